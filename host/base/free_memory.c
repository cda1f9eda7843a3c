/* From /proc/meminfo and the limits of control groups. */
#include "free_memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* The number behind `key` at the start of a line; the file's first number if `key` is "". SIZE_MAX if there
 * is none, as in a file that says "max". */
static size_t read_number(const char *path, const char *key)
{
    char line[256];
    size_t number = SIZE_MAX;
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        char *end;
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        const unsigned long long value = strtoull(line + strlen(key), &end, 10);
        if (end != line + strlen(key))
            number = (size_t)value;
        break;
    }
    if (file)
        fclose(file);
    return number;
}

size_t rncl_free_memory(void)
{
    static const char *const limits[] = {"/sys/fs/cgroup/memory.max",
                                         "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    const size_t kilobytes = read_number("/proc/meminfo", "MemAvailable:");
    size_t bytes = 0;
    if (kilobytes == SIZE_MAX || !rncl_size_multiply(kilobytes, 1024, &bytes))
        return 0;
    for (size_t i = 0; i < COUNT(limits); i++)
        bytes = MIN(bytes, read_number(limits[i], ""));
    return bytes;
}
