"""Connections to MySQL and MariaDB by a URL."""

from urllib.parse import unquote, urlsplit

import pymysql

SCHEMES = ("mysql", "mysql2", "mariadb")


def is_mysql(url):
    return urlsplit(url).scheme in SCHEMES


def connect(url, **settings):
    """By TLS where the server offers it, unverified: MySQL sends passwords to strangers by nothing else."""
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.lstrip("/")),
        charset="utf8mb4",
        **settings,
    )
