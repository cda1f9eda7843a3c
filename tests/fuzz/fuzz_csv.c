/* metrics.csv and steps.csv when they are plotted, and when a run resumes. The first byte: which file,
 * whether it begins with its header, and the step to resume at. */
#include <fcntl.h>
#include <unistd.h>

#include "columns.h"
#include "file.h"
#include "fuzz.h"
#include "metrics.h"

static const char *const names[] = {"metrics.csv", "steps.csv"};
static const char *const headers[] = {
    "epoch,step,images,lr,train_loss,train_top1,val_loss,val_top1,val_top5,images_per_second,seconds\n",
    "step,loss,lr\n"};

static rncl_status reopen(int step)
{
    rncl_metrics metrics;
    const rncl_status st = rncl_metrics_open(fuzz_folder(), step, NULL, &metrics);
    if (!st)
        rncl_metrics_close(&metrics);
    return st;
}

/* Whatever is read has steps that rise. */
static void read_columns(const char *path)
{
    static const char *const steps[] = {"step"};
    rncl_columns columns;
    const rncl_status st = rncl_columns_read(path, steps, 1, &columns);
    for (size_t i = 0; !st && i < columns.rows; i++)
        FUZZ_CHECK(columns.values[0][i] >= 0 && (i == 0 || columns.values[0][i] > columns.values[0][i - 1]));
    rncl_columns_fini(&columns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[8192], path[128];
    if (size == 0 || size > 4096)
        return 0;
    const int which = data[0] & 1, step = data[0] >> 2;
    const size_t header = data[0] & 2 ? strlen(headers[which]) : 0;
    memcpy(text, headers[which], header);
    memcpy(text + header, data + 1, size - 1);
    fuzz_file(names[!which], headers[!which], strlen(headers[!which]));
    snprintf(path, sizeof path, "%s", fuzz_file(names[which], text, header + size - 1));
    read_columns(path);
    const rncl_status st = reopen(step);
    rncl_contents once, twice;
    FUZZ_CHECK(rncl_file_read(path, &once) == RNCL_OK);
    /* A refused file is unchanged; a file that was cut once is not cut again. */
    if (st)
        FUZZ_CHECK(once.size_bytes == header + size - 1 &&
                   (!once.size_bytes || !memcmp(once.data, text, once.size_bytes)));
    else
        FUZZ_CHECK(once.size_bytes <= header + size - 1 && reopen(step) == RNCL_OK);
    FUZZ_CHECK(rncl_file_read(path, &twice) == RNCL_OK);
    FUZZ_CHECK(once.size_bytes == twice.size_bytes &&
               (!once.size_bytes || !memcmp(once.data, twice.data, once.size_bytes)));
    rncl_contents_free(&once);
    rncl_contents_free(&twice);
    return 0;
}
