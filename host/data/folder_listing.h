/* What a folder of pictures holds, and what the names of folders say about training and validation. */
#ifndef RNCL_DATA_FOLDER_LISTING_H
#define RNCL_DATA_FOLDER_LISTING_H

#include <stddef.h>

#include "status.h"

typedef enum rncl_role { RNCL_NO_ROLE, RNCL_TRAINING, RNCL_VALIDATION, RNCL_TEST } rncl_role;

enum { RNCL_ROLE_REST = 64 };

/* train, Training_Set, seg_test, val2017 …; RNCL_NO_ROLE for what is not the name of a split as a whole. */
rncl_role rncl_role_of(const char *name);

/* The one word of a name that is a split's, and the others: "trainA" and "A_train" give RNCL_TRAINING and
 * "a". "" in `rest` and RNCL_NO_ROLE if there is none. */
rncl_role rncl_role_within(const char *name, char rest[RNCL_ROLE_REST]);

typedef struct rncl_listing {
    char **folders; /* names, in order, of those that hold pictures at any depth */
    size_t count;
    size_t pictures; /* that lie in the folder itself */
} rncl_listing;

/* The caller calls rncl_listing_fini, also after a failure. */
rncl_status rncl_listing_read(const char *path, rncl_listing *out);
/* The same of the folder `name` in `path`. */
rncl_status rncl_listing_read_in(const char *path, const char *name, rncl_listing *out);
void rncl_listing_fini(rncl_listing *listing);

/* How many have that role, and number `n` of them (NULL: there are not so many). */
size_t rncl_listing_count(const rncl_listing *listing, rncl_role role);
const char *rncl_listing_find(const rncl_listing *listing, rncl_role role, size_t n);

#endif
