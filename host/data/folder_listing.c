/* Names of splits as people and archives write them, and lists of folders. */
#include "folder_listing.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "folder_walk.h"
#include "util.h"

/* ---- names of splits ---- */

static const struct {
    const char *name;
    rncl_role role;
} roles[] = {
    {"train", RNCL_TRAINING},
    {"training", RNCL_TRAINING},
    {"trn", RNCL_TRAINING},
    {"val", RNCL_VALIDATION},
    {"valid", RNCL_VALIDATION},
    {"validation", RNCL_VALIDATION},
    {"validate", RNCL_VALIDATION},
    {"dev", RNCL_VALIDATION},
    {"eval", RNCL_VALIDATION},
    {"evaluation", RNCL_VALIDATION},
    {"test", RNCL_TEST},
    {"testing", RNCL_TEST},
    {"tst", RNCL_TEST},
};

/* Words around the name of a split, as in seg_train, TrainSet, test-images. */
static const char *const around[] = {"seg",  "images",  "image", "imgs",  "img",
                                     "data", "dataset", "set",   "split", "folder"};

/* Lower case, without separators. */
static void squeeze(const char *name, char *text, size_t size)
{
    size_t length = 0;
    for (; *name && length + 1 < size; name++)
        if (!strchr("_-. ", *name))
            text[length++] = (char)tolower((unsigned char)*name);
    text[length] = '\0';
}

/* val2017 is val. */
static void drop_year(char *text)
{
    enum { YEAR = 4 };
    const size_t length = strlen(text);
    if (length > YEAR && strspn(text + length - YEAR, "0123456789") == YEAR &&
        !isdigit((unsigned char)text[length - YEAR - 1]))
        text[length - YEAR] = '\0';
}

static rncl_role role_of_word(const char *word)
{
    for (size_t i = 0; i < COUNT(roles); i++)
        if (!strcmp(roles[i].name, word))
            return roles[i].role;
    return RNCL_NO_ROLE;
}

rncl_role rncl_role_of(const char *name)
{
    char text[RNCL_ROLE_REST];
    squeeze(name, text, sizeof text);
    drop_year(text);
    rncl_role found = role_of_word(text);
    const size_t length = strlen(text);
    for (size_t i = 0; i < COUNT(around) && found == RNCL_NO_ROLE; i++) {
        const size_t extra = strlen(around[i]);
        if (length > extra && !strncmp(text, around[i], extra))
            found = role_of_word(text + extra);
        if (found == RNCL_NO_ROLE && length > extra && !strcmp(text + length - extra, around[i])) {
            text[length - extra] = '\0';
            found = role_of_word(text);
            text[length - extra] = around[i][0];
        }
    }
    return found;
}

/* The length of the word that begins here: up to a separator, or to a capital or digit behind a small letter.
 */
static size_t word_length(const char *name)
{
    size_t length = 1;
    while (name[length] && !strchr("_-. ", name[length]) &&
           !(islower((unsigned char)name[length - 1]) &&
             (isupper((unsigned char)name[length]) || isdigit((unsigned char)name[length]))))
        length++;
    return length;
}

rncl_role rncl_role_within(const char *name, char rest[RNCL_ROLE_REST])
{
    rncl_role found = RNCL_NO_ROLE;
    size_t used = 0;
    rest[0] = '\0';
    for (size_t length; *name; name += length) {
        char word[RNCL_ROLE_REST];
        length = word_length(name);
        snprintf(word, sizeof word, "%.*s", (int)length, name);
        squeeze(word, word, sizeof word);
        const rncl_role role = found == RNCL_NO_ROLE ? role_of_word(word) : RNCL_NO_ROLE;
        if (role != RNCL_NO_ROLE)
            found = role;
        else if (used + strlen(word) < RNCL_ROLE_REST)
            used += (size_t)snprintf(rest + used, RNCL_ROLE_REST - used, "%s", word);
    }
    if (found == RNCL_NO_ROLE)
        rest[0] = '\0';
    return found;
}

/* ---- what a folder holds ---- */

static rncl_status note_entry(void *user, const char *path, const struct dirent *entry)
{
    rncl_listing *l = user;
    if (!rncl_walk_is_folder(path, entry)) {
        l->pictures += rncl_walk_is_picture(path);
        return RNCL_OK;
    }
    bool holds;
    RNCL_TRY(rncl_walk_holds_pictures(path, &holds));
    if (!holds)
        return RNCL_OK;
    char **folders = realloc(l->folders, (l->count + 1) * sizeof *folders);
    if (folders)
        l->folders = folders;
    char *name = folders ? strdup(entry->d_name) : NULL;
    if (!name)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to list it", path);
    l->folders[l->count++] = name;
    return RNCL_OK;
}

rncl_status rncl_listing_read(const char *path, rncl_listing *out)
{
    *out = (rncl_listing){0};
    return rncl_walk(path, note_entry, out);
}

rncl_status rncl_listing_read_in(const char *path, const char *name, rncl_listing *out)
{
    *out = (rncl_listing){0};
    char *joined = rncl_path_join(path, name);
    if (!joined)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to list it", path);
    rncl_status st = rncl_listing_read(joined, out);
    free(joined);
    return st;
}

void rncl_listing_fini(rncl_listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->folders[i]);
    free(listing->folders);
    *listing = (rncl_listing){0};
}

size_t rncl_listing_count(const rncl_listing *listing, rncl_role role)
{
    size_t count = 0;
    for (size_t i = 0; i < listing->count; i++)
        count += rncl_role_of(listing->folders[i]) == role;
    return count;
}

const char *rncl_listing_find(const rncl_listing *listing, rncl_role role, size_t n)
{
    for (size_t i = 0; i < listing->count; i++)
        if (rncl_role_of(listing->folders[i]) == role && n-- == 0)
            return listing->folders[i];
    return NULL;
}
