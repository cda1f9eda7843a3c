/* Tuning results. Results that were read, written and read again must be the same. */
#include "fuzz.h"
#include "store_file.h"

static const rncl_device_info device = {.name = "d", .platform = "p", .compute_units = 1};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[128];
    rncl_store_lines lines = {0}, again = {0};
    snprintf(path, sizeof path, "%s", fuzz_file("tuning.json", data, size));
    const rncl_status st = rncl_store_file_read(path, &device, true, &lines);
    FUZZ_CHECK(!st || lines.count == 0);
    if (!st && lines.count) {
        FUZZ_CHECK(rncl_store_file_write(path, &device, &lines) == RNCL_OK);
        FUZZ_CHECK(rncl_store_file_read(path, &device, true, &again) == RNCL_OK);
        FUZZ_CHECK(again.count == lines.count);
        for (size_t i = 0; i < lines.count; i++)
            FUZZ_CHECK(rncl_problem_equal(&lines.lines[i].entry.problem, &again.lines[i].entry.problem));
    }
    free(lines.lines);
    free(again.lines);
    return 0;
}
