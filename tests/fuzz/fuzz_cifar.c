/* CIFAR-100: the names of the classes up to the first zero byte, then the training file; it is also the test
 * file. */
#include "dataset.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { PIXELS = 32 * 32 * 3 };
    const uint8_t *zero = memchr(data, 0, size);
    if (!zero)
        return 0;
    const size_t names = (size_t)(zero - data), rest = size - names - 1;
    fuzz_file("fine_label_names.txt", data, names);
    fuzz_file("train.bin", zero + 1, rest);
    fuzz_file("test.bin", zero + 1, rest);
    const rncl_dataset_options options = {.path = fuzz_folder(), .split = RNCL_SPLIT_VALIDATION};
    rncl_dataset *set;
    if (rncl_dataset_open(&options, &set)) {
        FUZZ_CHECK(!set);
        return 0;
    }
    for (uint32_t i = 0; i < set->info.count; i++) {
        uint8_t pixels[PIXELS];
        int label;
        FUZZ_CHECK(rncl_dataset_read(set, i, pixels, &label) == RNCL_OK);
        FUZZ_CHECK(label >= 0 && label < set->info.classes);
    }
    rncl_dataset_close(set);
    return 0;
}
