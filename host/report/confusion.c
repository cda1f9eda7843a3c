/* Confusion matrices as CSV. */
#include "confusion.h"

#include <inttypes.h>
#include <stdlib.h>

#include "csv.h"
#include "file.h"
#include "number.h"

static uint64_t count_of(const rncl_confusion *confusion, int truth, int answer)
{
    return confusion->counts[(size_t)truth * (size_t)confusion->classes + (size_t)answer];
}

static void write_counts(const rncl_confusion *confusion, FILE *stream)
{
    fputs("truth", stream);
    for (int i = 0; i < confusion->classes; i++) {
        fputc(',', stream);
        rncl_csv_text(stream, confusion->labels[i]);
    }
    fputc('\n', stream);
    for (int truth = 0; truth < confusion->classes; truth++) {
        rncl_csv_text(stream, confusion->labels[truth]);
        for (int answer = 0; answer < confusion->classes; answer++)
            fprintf(stream, ",%" PRIu64, count_of(confusion, truth, answer));
        fputc('\n', stream);
    }
}

static void write_share(FILE *stream, double times, uint64_t part, uint64_t whole)
{
    fputc(',', stream);
    if (whole)
        rncl_number_print(stream, "%.9g", times * (double)part / (double)whole);
}

static void write_classes(const rncl_confusion *confusion, FILE *stream)
{
    fputs("class,label,images,top1,precision,recall\n", stream);
    for (int i = 0; i < confusion->classes; i++) {
        const uint64_t right = count_of(confusion, i, i);
        uint64_t images = 0, answers = 0;
        for (int k = 0; k < confusion->classes; k++) {
            images += count_of(confusion, i, k);
            answers += count_of(confusion, k, i);
        }
        fprintf(stream, "%d,", i);
        rncl_csv_text(stream, confusion->labels[i]);
        fprintf(stream, ",%" PRIu64, images);
        write_share(stream, 100, right, images);
        write_share(stream, 1, right, answers);
        write_share(stream, 1, right, images);
        fputc('\n', stream);
    }
}

static rncl_status write_file(const rncl_confusion *confusion, const char *folder, const char *name,
                              void (*write)(const rncl_confusion *confusion, FILE *stream))
{
    char *path = rncl_path_join(folder, name);
    if (!path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s/%s", folder, name);
    rncl_atomic_file file;
    rncl_status st = rncl_atomic_file_create(path, &file);
    if (!st) {
        write(confusion, file.stream);
        st = rncl_atomic_file_commit(&file);
    }
    free(path);
    return st;
}

rncl_status rncl_confusion_write(const rncl_confusion *confusion, const char *folder)
{
    RNCL_TRY(rncl_directory_create(folder));
    RNCL_TRY(write_file(confusion, folder, "confusion.csv", write_counts));
    return write_file(confusion, folder, "per_class.csv", write_classes);
}
