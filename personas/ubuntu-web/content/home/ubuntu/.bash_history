sudo -i
exit
sudo apt update
sudo -i
