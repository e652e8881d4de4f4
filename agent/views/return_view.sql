-- name: insert
INSERT INTO return (id, number, receipt, sale, person, customer, total_minor, created_ms, created_seq,
                    settles, given_back, store,
                    updated_ms, sequence, verdict, goods, money, posting, complete, tenders, due)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
        ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)

-- name: update
UPDATE return SET updated_ms = ?2, sequence = ?3, verdict = ?4, goods = ?5, money = ?6, posting = ?7,
    complete = ?8, tenders = ?9, due = ?10
WHERE id = ?1

-- name: find
SELECT id, number, receipt, sale, person, customer, total_minor, created_ms, updated_ms, created_seq,
       sequence, verdict, goods, money, posting, complete, tenders, settles, store
FROM return WHERE id = ?1

-- name: by_number
SELECT id, number, receipt, sale, person, customer, total_minor, created_ms, updated_ms, created_seq,
       sequence, verdict, goods, money, posting, complete, tenders, settles, store
FROM return WHERE number = ?1 ORDER BY id DESC LIMIT 1

-- name: numbered
SELECT 1 FROM return WHERE number = ?1

-- name: of_sale
SELECT id, number, receipt, sale, person, customer, total_minor, created_ms, updated_ms, created_seq,
       sequence, verdict, goods, money, posting, complete, tenders, settles, store
FROM return WHERE sale = ?1 ORDER BY id

-- name: live_of_sale
SELECT id, total_minor, given_back FROM return WHERE sale = ?1 AND verdict IN (0, 1) ORDER BY id

-- name: unsold
SELECT count(*) FROM return WHERE receipt = ?1 AND sale IS NULL AND verdict IN (0, 1)

-- name: list
SELECT id, number, receipt, sale, person, customer, total_minor, created_ms, updated_ms, created_seq,
       sequence, verdict, goods, money, posting, complete, tenders, settles, store
FROM return
WHERE (created_ms, id) < (?1, ?2) AND created_ms >= ?3
  AND (?4 = '' OR receipt = ?4) AND (?5 < 0 OR complete = ?5)
  AND (?7 = '' OR store IN (?7, ''))
ORDER BY created_ms DESC, id DESC LIMIT ?6

-- name: due
SELECT id, number, receipt, sale, person, customer, total_minor, created_ms, updated_ms, created_seq,
       sequence, verdict, goods, money, posting, complete, tenders, settles, store
FROM return WHERE due = 1 AND store IN (?2, '') ORDER BY id LIMIT ?1

-- name: count_up
UPDATE return_counter SET last = last + 1 WHERE only = 1

-- name: counted
SELECT last FROM return_counter

-- name: velocity_of_person
SELECT count(*), coalesce(sum(total_minor), 0) FROM return
WHERE person = ?1 AND person <> '' AND created_ms >= ?2 AND verdict IN (0, 1)

-- name: velocity_of_customer
SELECT count(*), coalesce(sum(total_minor), 0) FROM return
WHERE customer = ?1 AND customer <> '' AND created_ms >= ?2 AND verdict IN (0, 1)
