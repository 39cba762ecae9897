-- The warehouse of scripts/demo, in MariaDB: five tables and a bit over 40,000 rows, the same at every run.
CREATE TABLE carriers (
    code char(3) NOT NULL PRIMARY KEY,
    name varchar(60) NOT NULL,
    express tinyint(1) NOT NULL,
    price_per_kg decimal(6,3) unsigned NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE items (
    id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    sku varchar(20) NOT NULL UNIQUE,
    title varchar(120) NOT NULL,
    kind enum('bulk', 'parcel', 'cold', 'très fragile') NOT NULL,
    stackable tinyint(1) NOT NULL DEFAULT 1,
    weight_kg decimal(9,3) unsigned,
    properties json,
    bought_at datetime,
    updated_at timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
    KEY (updated_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE stock (
    hall char(2) NOT NULL,
    shelf smallint unsigned NOT NULL,
    item_id int unsigned NOT NULL,
    quantity int unsigned NOT NULL,
    marks set('reserved', 'damaged', 'counted') NOT NULL DEFAULT '',
    counted_on date,
    updated_at timestamp(6) NOT NULL DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6),
    PRIMARY KEY (hall, shelf, item_id),
    KEY (updated_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- As many frameworks keep time: without a zone, in UTC, written by the application.
CREATE TABLE deliveries (
    id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    carrier char(3) NOT NULL,
    state enum('announced', 'arrived', 'checked', 'refused') NOT NULL,
    expected_at datetime NOT NULL,
    unloading time(3),
    freight double,
    note text,
    updated_at datetime(6) NOT NULL,
    KEY (updated_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- A log: rows are added and never changed.
CREATE TABLE scans (
    id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    item_id int unsigned NOT NULL,
    amount mediumint NOT NULL,
    device binary(6),
    scanned_at datetime(3) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

START TRANSACTION;

INSERT INTO carriers VALUES
    ('AAA', 'Amélie & fils', 0, 0.950), ('BRR', 'Brr Kühltransporte', 1, 4.125), ('CYC', '東京 Cycle', 1, 2.500),
    ('DOG', 'Dog "fast" Sled', 1, 9.999), ('EEL', 'Eel\\River', 0, 0.310), ('FOX', 'Fox''s Freight 🦊', 0, 1.000);

INSERT INTO items (id, sku, title, kind, stackable, weight_kg, properties, bought_at, updated_at)
SELECT seq, CONCAT('W-', LPAD(seq, 6, '0')),
    CONCAT(ELT(1 + seq % 5, 'Crate', 'Świeca', '箱', 'Große Kiste', 'Box, "sturdy"'), ' ', seq),
    1 + seq % 4, seq % 3 > 0, IF(seq % 7 = 0, NULL, CRC32(seq) % 900000 / 1000),
    IF(seq % 6 = 0, NULL, JSON_OBJECT('size', JSON_ARRAY(seq % 90, seq % 70, 12.5), 'colour', ELT(1 + seq % 3, 'red', 'grün', '青'),
        'note', 'she said "no"', 'limit', 4294967295 + seq, 'none', NULL)),
    IF(seq % 9 = 0, NULL, '2024-01-01 08:00:00' + INTERVAL seq * 37 MINUTE), '2025-02-01 12:00:00' + INTERVAL seq * 3 MINUTE
FROM seq_1_to_4000;

INSERT INTO stock (hall, shelf, item_id, quantity, marks, counted_on, updated_at)
SELECT ELT(1 + seq % 4, 'A', 'B', 'C2', 'Ø'), seq DIV 50, 1 + seq % 4000, CRC32(seq) % 500, seq % 8,
    IF(seq % 5 = 0, NULL, '2025-01-01' + INTERVAL seq % 300 DAY), '2025-03-01 00:00:00.25' + INTERVAL seq MINUTE
FROM seq_1_to_12000;

INSERT INTO deliveries (carrier, state, expected_at, unloading, freight, note, updated_at)
SELECT ELT(1 + seq % 6, 'AAA', 'BRR', 'CYC', 'DOG', 'EEL', 'FOX'), 1 + seq % 4, '2025-01-01 06:30:00' + INTERVAL seq HOUR,
    IF(seq % 4 = 0, NULL, SEC_TO_TIME(CRC32(seq) % 9000 / 4)), IF(seq % 10 = 0, NULL, SQRT(seq)),
    ELT(1 + seq % 5, NULL, '', 'Two lines:\nthe second', 'ring twice, ask for "Ñandú" 🐕', 'tab\t and backslash \\n'),
    '2025-01-01 00:00:00.000001' + INTERVAL seq * 2 MINUTE
FROM seq_1_to_5000;

INSERT INTO scans (item_id, amount, device, scanned_at)
SELECT 1 + CRC32(seq) % 4000, CAST(seq % 40 AS SIGNED) - 20, IF(seq % 8 = 0, NULL, UNHEX(LPAD(HEX(CRC32(seq)), 12, '00'))),
    '2025-05-01 00:00:00.5' + INTERVAL seq * 3 SECOND
FROM seq_1_to_20000;

COMMIT;
ANALYZE TABLE carriers, items, stock, deliveries, scans;
