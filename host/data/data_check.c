/* Class folders are listed and every file decoded; the other formats are checked whole when they are opened.
 */
#include "data_check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "duplicates.h"
#include "folder_parts.h"
#include "folder_split.h"
#include "image_file.h"
#include "readers.h"
#include "util.h"

enum { MOST_WORKERS = 256 };

/* ---- decoding ---- */

typedef struct outcome {
    char *message; /* NULL: a good picture, or no memory to say what is wrong */
    bool bad;
    rncl_image_header header;
    rncl_print print;
} outcome;

/* Files that several threads decode. */
typedef struct decoding {
    const rncl_class_tree *tree;
    outcome *outcomes; /* of each file */
    atomic_uint next, done;
} decoding;

static void *decode_files(void *argument)
{
    decoding *d = argument;
    for (uint32_t i; (i = atomic_fetch_add(&d->next, 1)) < d->tree->file_count;
         atomic_fetch_add(&d->done, 1)) {
        outcome *o = &d->outcomes[i];
        const char *path = d->tree->files[i].path;
        o->bad = rncl_image_file_check(path, &o->header) || rncl_print_take(path, &o->print);
        if (o->bad)
            o->message = strdup(rncl_status_message());
    }
    return NULL;
}

static int count_workers(const rncl_data_check_options *options)
{
    const long processors = options->workers ? options->workers : sysconf(_SC_NPROCESSORS_ONLN);
    return (int)MIN(MAX(processors, 1), MOST_WORKERS);
}

/* Waits for the threads, and tells how far they are. */
static void watch(decoding *d, const rncl_data_check_options *options)
{
    const struct timespec moment = {.tv_nsec = 50 * 1000 * 1000};
    uint32_t done;
    while ((done = atomic_load(&d->done)) < d->tree->file_count) {
        if (options->progress)
            options->progress(options->user, done, d->tree->file_count);
        nanosleep(&moment, NULL);
    }
}

static void decode_all(decoding *d, const rncl_data_check_options *options)
{
    const int wanted = count_workers(options);
    pthread_t threads[MOST_WORKERS];
    int started = 0;
    while (started < wanted && !pthread_create(&threads[started], NULL, decode_files, d))
        started++;
    if (started == 0)
        decode_files(d);
    watch(d, options);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

/* ---- what was found ---- */

static void add_size(rncl_data_summary *s, uint32_t height, uint32_t width)
{
    const bool first = s->greatest_height == 0;
    s->least_height = first ? height : MIN(s->least_height, height);
    s->least_width = first ? width : MIN(s->least_width, width);
    s->greatest_height = MAX(s->greatest_height, height);
    s->greatest_width = MAX(s->greatest_width, width);
}

/* The decoders' messages begin with the file's name, which the defect has already. */
static const char *without_path(const char *message, const char *path)
{
    const size_t length = strlen(path);
    return strncmp(message, path, length) == 0 && !strncmp(message + length, ": ", 2) ? message + length + 2
                                                                                      : message;
}

/* Good files of both splits, training's first. */
typedef struct good_files {
    rncl_print *prints;
    size_t count;
    char *const *classes; /* training's, which validation's files are numbered by as well */
    bool validation;      /* what is being checked */
} good_files;

static void keep_print(good_files *good, const rncl_class_tree *tree, uint32_t index, rncl_print print)
{
    print.path = tree->files[index].path;
    print.class = good->classes[tree->files[index].class_index];
    print.validation = good->validation;
    good->prints[good->count++] = print;
}

static rncl_status gather(const decoding *d, good_files *good, rncl_data_summary *summary,
                          rncl_defects *defects)
{
    for (uint32_t i = 0; i < d->tree->file_count; i++) {
        const outcome *o = &d->outcomes[i];
        const char *path = d->tree->files[i].path;
        if (o->bad) {
            RNCL_TRY(rncl_defects_add(defects, RNCL_DEFECT_WRONG, path, "%s",
                                      o->message ? without_path(o->message, path) : "cannot be read"));
            continue;
        }
        keep_print(good, d->tree, i, o->print);
        summary->turned += o->header.orientation != RNCL_UPRIGHT;
        add_size(summary, o->header.height, o->header.width);
    }
    return RNCL_OK;
}

static rncl_status check_files(const rncl_class_tree *tree, const rncl_data_check_options *options,
                               good_files *good, rncl_data_summary *summary, rncl_defects *defects)
{
    decoding d = {.tree = tree, .outcomes = calloc((size_t)tree->file_count + 1, sizeof *d.outcomes)};
    if (!d.outcomes)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory to check %u files", (unsigned)tree->file_count);
    decode_all(&d, options);
    rncl_status st = gather(&d, good, summary, defects);
    for (uint32_t i = 0; i < tree->file_count; i++)
        free(d.outcomes[i].message);
    free(d.outcomes);
    return st;
}

/* ---- class folders ---- */

typedef struct both {
    rncl_class_tree training, validation;
} both;

/* A class of training that validation has no picture of is never measured. */
static rncl_status find_unmeasured(const both *trees, const rncl_folder_parts *parts, rncl_defects *defects)
{
    const rncl_class_tree *training = &trees->training, *validation = &trees->validation;
    bool *seen = calloc((size_t)training->class_count + 1, sizeof *seen);
    if (!seen)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory to check %u classes", (unsigned)training->class_count);
    for (uint32_t i = 0; i < validation->file_count; i++)
        seen[validation->files[i].class_index] = true;
    rncl_status st = RNCL_OK;
    const char *where = parts->validation ? parts->validation : parts->training;
    for (uint32_t i = 0; i < training->class_count && !st; i++)
        if (!seen[i])
            st = rncl_defects_add(defects, RNCL_DEFECT_WRONG, where, "no validation pictures of class %s",
                                  training->classes[i]);
    free(seen);
    return st;
}

/* Both splits as training sees them. */
static rncl_status list_folder(const rncl_data_check_options *options, const rncl_folder_parts *parts,
                               both *trees, rncl_defects *defects)
{
    const char *training = parts->training, *validation = parts->validation;
    RNCL_TRY(rncl_class_tree_scan(training, &trees->training, defects));
    RNCL_TRY(rncl_class_tree_check(&trees->training, defects, training, options->classes > 0));
    RNCL_TRY(rncl_class_tree_find_doubles(&trees->training, defects));
    if (validation) {
        RNCL_TRY(rncl_class_tree_scan(validation, &trees->validation, defects));
        RNCL_TRY(rncl_class_tree_find_doubles(&trees->validation, defects));
        RNCL_TRY(rncl_folder_match_classes(&trees->validation, &trees->training, defects));
    } else {
        rncl_defects again = {0}; /* the same as before */
        rncl_status st = rncl_class_tree_scan(training, &trees->validation, &again);
        rncl_defects_fini(&again);
        RNCL_TRY(st);
        RNCL_TRY(rncl_folder_keep_split(&trees->training, training, options->val_split, RNCL_SPLIT_TRAIN));
        RNCL_TRY(
            rncl_folder_keep_split(&trees->validation, training, options->val_split, RNCL_SPLIT_VALIDATION));
    }
    return find_unmeasured(trees, parts, defects);
}

static rncl_status check_both(const both *trees, const rncl_data_check_options *options,
                              rncl_data_summary *summary, rncl_defects *defects)
{
    good_files good = {.classes = trees->training.classes,
                       .prints = calloc((size_t)trees->training.file_count + trees->validation.file_count + 1,
                                        sizeof *good.prints)};
    if (!good.prints)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory to compare files");
    rncl_status st = check_files(&trees->training, options, &good, summary, defects);
    summary->training = (uint32_t)good.count;
    good.validation = true;
    if (!st)
        st = check_files(&trees->validation, options, &good, summary, defects);
    summary->validation = (uint32_t)good.count - summary->training;
    if (!st)
        st = rncl_duplicates_find(good.prints, good.count, defects);
    free(good.prints);
    return st;
}

static rncl_status check_folder(const rncl_data_check_options *options, rncl_data_summary *summary,
                                rncl_defects *defects)
{
    both trees = {0};
    rncl_folder_parts parts;
    rncl_status st = rncl_folder_parts_find(options->path, options->classes == 1, options->log, &parts);
    if (!st)
        st = list_folder(options, &parts, &trees, defects);
    summary->classes = (int)trees.training.class_count;
    if (!st)
        st = check_both(&trees, options, summary, defects);
    summary->training_path = parts.training;
    summary->validation_path = parts.validation;
    rncl_class_tree_fini(&trees.training);
    rncl_class_tree_fini(&trees.validation);
    return st;
}

/* ---- the other formats ---- */

static rncl_status check_split(const rncl_data_check_options *options, rncl_split split, uint32_t *count,
                               rncl_data_summary *summary)
{
    const rncl_dataset_options open = {.path = options->path, .split = split};
    rncl_dataset *dataset;
    RNCL_TRY(rncl_dataset_open(&open, &dataset));
    const rncl_dataset_info *info = &dataset->info;
    summary->format = dataset->reader->name;
    summary->classes = info->classes;
    *count = info->count;
    add_size(summary, (uint32_t)info->height, (uint32_t)info->width);
    rncl_dataset_close(dataset);
    return RNCL_OK;
}

void rncl_data_summary_fini(rncl_data_summary *summary)
{
    free(summary->training_path);
    free(summary->validation_path);
    *summary = (rncl_data_summary){0};
}

rncl_status rncl_data_check(const rncl_data_check_options *options, rncl_data_summary *summary,
                            rncl_defects *defects)
{
    *summary = (rncl_data_summary){0};
    *defects = (rncl_defects){0};
    const rncl_reader *reader;
    RNCL_TRY(rncl_dataset_recognise(options->path, &reader));
    summary->format = reader->name;
    if (reader == &rncl_reader_folder)
        return check_folder(options, summary, defects);
    RNCL_TRY(check_split(options, RNCL_SPLIT_TRAIN, &summary->training, summary));
    return check_split(options, RNCL_SPLIT_VALIDATION, &summary->validation, summary);
}
