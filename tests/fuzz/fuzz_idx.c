/* IDX files. The first byte: the number of dimensions, and whether the rest is gzipped. */
#include "fuzz.h"
#include "idx_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const int dimensions = data[0] & 1 ? 3 : 1;
    const char *stem = data[0] & 2 ? "packed" : "plain";
    fuzz_file(data[0] & 2 ? "packed.gz" : "plain", data + 1, size - 1);
    rncl_idx_array array;
    if (rncl_idx_read(fuzz_folder(), stem, dimensions, &array)) {
        FUZZ_CHECK(!array.bytes && !array.path);
        return 0;
    }
    FUZZ_CHECK(array.bytes && array.size[0] && (dimensions == 3 || array.size[1] == 1));
    rncl_idx_free(&array);
    return 0;
}
