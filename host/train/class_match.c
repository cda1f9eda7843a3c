/* Matching by sorted names. */
#include "class_match.h"

#include <stdlib.h>
#include <string.h>

#include "rncl/kernel_abi.h"

typedef struct named {
    const char *name;
    int index;
} named;

static int compare(const void *a, const void *b)
{
    const named *left = a, *right = b;
    const int order = strcmp(left->name, right->name);
    return order ? order : left->index - right->index;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

/* Sorted; of equal names the first class is in front, and the others are taken out. */
static named *sort_names(const rncl_class_names *classes, size_t *count)
{
    named *list = calloc((size_t)classes->count + 1, sizeof *list);
    if (!list)
        return NULL;
    for (int i = 0; i < classes->count; i++)
        list[i] = (named){classes->names[i], i};
    qsort(list, (size_t)classes->count, sizeof *list, compare);
    *count = 0;
    for (int i = 0; i < classes->count; i++)
        if (*count == 0 || compare_names(&list[*count - 1], &list[i]) != 0)
            list[(*count)++] = list[i];
    return list;
}

static int find(const named *list, size_t count, const char *name)
{
    const named *found = bsearch(&(named){.name = name}, list, count, sizeof *list, compare_names);
    return found ? found->index : RNCL_NO_LABEL;
}

/* The names of `classes` that are not in the list, in their order. */
static bool collect(const rncl_class_names *classes, const named *list, size_t count, char ***names,
                    int *name_count)
{
    *names = calloc((size_t)classes->count + 1, sizeof **names);
    for (int i = 0; *names && i < classes->count; i++) {
        if (find(list, count, classes->names[i]) != RNCL_NO_LABEL)
            continue;
        if (!((*names)[*name_count] = strdup(classes->names[i])))
            return false;
        ++*name_count;
    }
    return *names != NULL;
}

static bool match(const rncl_class_names *model, const rncl_class_names *data, const named *of_model,
                  size_t model_count, const named *of_data, size_t data_count, rncl_class_match *out)
{
    out->model_of = calloc((size_t)data->count + 1, sizeof *out->model_of);
    for (int i = 0; out->model_of && i < data->count; i++) {
        out->model_of[i] = find(of_model, model_count, data->names[i]);
        out->by_name |= out->model_of[i] != RNCL_NO_LABEL;
    }
    if (!out->model_of || !out->by_name)
        return out->model_of != NULL;
    return collect(model, of_data, data_count, &out->missing, &out->missing_count) &&
           collect(data, of_model, model_count, &out->added, &out->added_count);
}

rncl_status rncl_class_match_init(const rncl_class_names *model, const rncl_class_names *data,
                                  rncl_class_match *out)
{
    *out = (rncl_class_match){0};
    if (!model->names || !data->names)
        return RNCL_OK;
    size_t model_count = 0, data_count = 0;
    named *of_model = sort_names(model, &model_count), *of_data = sort_names(data, &data_count);
    const bool good =
        of_model && of_data && match(model, data, of_model, model_count, of_data, data_count, out);
    free(of_model);
    free(of_data);
    if (good)
        return RNCL_OK;
    rncl_class_match_fini(out);
    return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory to match %d classes with %d", data->count, model->count);
}

static void free_names(char **names, int count)
{
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

void rncl_class_match_fini(rncl_class_match *match)
{
    free(match->model_of);
    free_names(match->missing, match->missing_count);
    free_names(match->added, match->added_count);
    *match = (rncl_class_match){0};
}
