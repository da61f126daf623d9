cd hooks
ls
npm install
node server.js
systemctl --user enable hooks
git -C /var/www/html pull
./deploy.sh
exit
