#!/bin/sh
set -e
cd /var/www/html
git pull --ff-only
chown -R www-data:www-data /var/www/html
