apt update
apt upgrade -y
ufw status
systemctl status apache2
tail -f /var/log/apache2/error.log
cd /var/www/html
ls -la
nano config.php
systemctl restart apache2
mysql -u root -p
mysqldump shop_db > /root/backups/shop_db-$(date +%F).sql
gzip /root/backups/shop_db-*.sql
df -h
free -m
crontab -e
certbot renew --dry-run
htop
su - deploy
tail -n 100 /var/log/auth.log
last
exit
uptime
apt list --upgradable
journalctl -u mysql --since today
vi /etc/apache2/sites-available/brightleafgoods.conf
apache2ctl configtest
systemctl reload apache2
exit
