#!/bin/bash
# nightly database dump, kept for 14 days
DEST=/var/backups/mysql
mkdir -p "$DEST"
mysqldump --defaults-extra-file=/etc/mysql/debian.cnf shop_db | gzip > "$DEST/shop_db-$(date +%F).sql.gz"
find "$DEST" -name '*.gz' -mtime +14 -delete
