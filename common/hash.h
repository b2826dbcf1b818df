/*
 * hash -- FNV-1a, keyed by the process, so that strangers cannot choose what collides; and an
 * intrusive hash table.
 *
 * The table links members by `struct hash_node` embedded in them; it never owns or frees a member.
 * One thread.
 */
#ifndef TAPECAST_COMMON_HASH_H
#define TAPECAST_COMMON_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

#define HASH_SEED hash_seed()
uint32_t hash_seed(void); /* drawn once from getrandom(2) */
uint32_t hash_more(uint32_t h, const void *bytes, size_t len);

struct hash_node {
    struct hash_node *next;
    uint32_t hash;
};

struct hash_table {
    struct hash_node **buckets; /* NULL while empty */
    size_t n_buckets, n;
};

/* Does the member at `node` have `key`? */
typedef bool hash_equal(const struct hash_node *node, const void *key);

void hash_table_release(struct hash_table *t); /* members stay as they are */
struct hash_node *hash_table_find(const struct hash_table *t, uint32_t hash, hash_equal *equal,
                                  const void *key);
/* Link `node`, which is not in the table. Returns 0; -ENOMEM. */
MUST_CHECK int hash_table_add(struct hash_table *t, struct hash_node *node, uint32_t hash);
void hash_table_remove(struct hash_table *t, struct hash_node *node); /* is in the table */

/* Go through all members: hash_table_next(t, NULL) is the first, NULL the end. The present member
 * may not be removed meanwhile. */
struct hash_node *hash_table_next(const struct hash_table *t, const struct hash_node *node);

#endif
