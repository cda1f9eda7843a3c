/* Compares by size and hash: sorted by these, the same files are neighbours. */
#include "duplicates.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "util.h"

rncl_status rncl_print_take(const char *path, rncl_print *print)
{
    rncl_contents file;
    RNCL_TRY(rncl_file_read(path, &file));
    print->size_bytes = file.size_bytes;
    print->hash = rncl_hash(RNCL_HASH_START, file.data, file.size_bytes);
    rncl_contents_free(&file);
    return RNCL_OK;
}

static int compare_bytes(const rncl_print *a, const rncl_print *b)
{
    if (a->size_bytes != b->size_bytes)
        return a->size_bytes < b->size_bytes ? -1 : 1;
    return (a->hash > b->hash) - (a->hash < b->hash);
}

static int compare_prints(const void *left, const void *right)
{
    const rncl_print *a = left, *b = right;
    const int order = compare_bytes(a, b);
    return order ? order : (a->place > b->place) - (a->place < b->place);
}

/* Two files of the same bytes. */
typedef struct pair {
    const rncl_print *first, *again;
} pair;

static int compare_pairs(const void *left, const void *right)
{
    const pair *a = left, *b = right;
    return (a->again->place > b->again->place) - (a->again->place < b->again->place);
}

/* One class in both splits is what makes a result look better than it is; two classes cannot both be right.
 */
static rncl_status report(const pair *p, rncl_defects *defects)
{
    const bool classes_differ = strcmp(p->first->class, p->again->class) != 0;
    return rncl_defects_add(defects, RNCL_DEFECT_HARMLESS, p->again->path, "the same file as %s%s%s%s",
                            p->first->path, classes_differ ? ", of class " : "",
                            classes_differ ? p->first->class : "",
                            p->first->validation != p->again->validation ? ", which is for training" : "");
}

rncl_status rncl_duplicates_find(rncl_print *prints, size_t count, rncl_defects *defects)
{
    pair *pairs = calloc(count + 1, sizeof *pairs);
    if (!pairs)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory to compare %zu files", count);
    for (size_t i = 0; i < count; i++)
        prints[i].place = i;
    qsort(prints, count, sizeof *prints, compare_prints);
    size_t found = 0, first = 0;
    for (size_t i = 1; i < count; i++) {
        if (compare_bytes(&prints[first], &prints[i]) != 0)
            first = i;
        else
            pairs[found++] = (pair){&prints[first], &prints[i]};
    }
    qsort(pairs, found, sizeof *pairs, compare_pairs);
    rncl_status st = RNCL_OK;
    for (size_t i = 0; i < found && !st; i++)
        st = report(&pairs[i], defects);
    free(pairs);
    return st;
}
