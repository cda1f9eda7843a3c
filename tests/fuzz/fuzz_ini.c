/* config.ini. Values that were read, written and read again must be the same. */
#include "fuzz.h"
#include "options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rncl_options options, again;
    rncl_options_init(&options);
    char path[128];
    snprintf(path, sizeof path, "%s", fuzz_file("config.ini", data, size));
    if (rncl_options_read(&options, path, ~0u) || rncl_options_write(&options, path))
        return 0;
    rncl_options_init(&again);
    FUZZ_CHECK(rncl_options_read(&again, path, ~0u) == RNCL_OK);
    for (size_t i = 0; i < rncl_option_count; i++) {
        char one[RNCL_TEXT_LENGTH], other[RNCL_TEXT_LENGTH];
        const rncl_option *option = &rncl_option_table[i];
        if (!option->in_config)
            continue;
        rncl_option_format(&options, option, one, sizeof one);
        rncl_option_format(&again, option, other, sizeof other);
        FUZZ_CHECK(!*one || !strcmp(one, other));
    }
    return 0;
}
