/* rncl devices */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "console.h"
#include "details.h"
#include "store.h"
#include "table.h"

/* How many kernels somebody has tuned for the device. */
static rncl_status count_tuned(const rncl_device_info *info, const rncl_log *log, size_t *count)
{
    rncl_store *store;
    RNCL_TRY(rncl_store_open(info, RNCL_PRECISION_FP32, log, &store));
    *count = rncl_store_count(store);
    rncl_store_close(store);
    return RNCL_OK;
}

static json_t *describe_device(const rncl_device_info *info, size_t tuned)
{
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:b, s:b, s:b}", "number",
                     info->number, "name", info->name, "platform", info->platform, "vendor", info->vendor,
                     "type", rncl_device_type_name(info->type), "version", info->version, "driver",
                     info->driver, "compute_units", (int)info->compute_units, "global_memory",
                     (json_int_t)info->global_memory, "max_allocation", (json_int_t)info->max_allocation,
                     "local_memory", (json_int_t)info->local_memory, "fp16", info->fp16, "compiler",
                     info->compiler, "tuned", tuned > 0);
}

static rncl_status print_json(const rncl_device_list *list, const rncl_log *log)
{
    json_t *devices = json_array();
    rncl_status st = RNCL_OK;
    for (size_t i = 0; i < list->count && !st; i++) {
        const rncl_device_info *info = &list->devices[i].info;
        size_t tuned;
        st = count_tuned(info, log, &tuned);
        if (!st && json_array_append_new(devices, describe_device(info, tuned)) != 0)
            st = RNCL_FAIL(RNCL_ERR_MEMORY, "JSON document");
    }
    if (st) {
        json_decref(devices);
        return st;
    }
    return rncl_json_print(json_pack("{s:o}", "devices", devices));
}

static rncl_status print_table(const rncl_device_list *list)
{
    rncl_table *table;
    RNCL_TRY(rncl_table_create("number\ttype\tunits\tmemory\tname, platform, driver", "rlrrl", &table));
    rncl_status st = RNCL_OK;
    for (size_t i = 0; i < list->count && !st; i++) {
        const rncl_device_info *info = &list->devices[i].info;
        st = rncl_table_add(table, "%d\t%s\t%u\t%.1f GiB\t%s, %s, %s", info->number,
                            info->emulator ? "emulator" : rncl_device_type_name(info->type),
                            info->compute_units, (double)info->global_memory / (1 << 30), info->name,
                            info->platform, info->driver);
    }
    if (!st)
        rncl_table_print(table, stdout);
    rncl_table_destroy(table);
    return st;
}

static void print_size(const char *label, uint64_t bytes, const char *remark)
{
    const bool large = bytes >= 1u << 30;
    printf("  %-18s %.*f %s%s\n", label, large, (double)bytes / (large ? 1u << 30 : 1u << 10),
           large ? "GiB" : "KiB", remark);
}

/* What a driver says, as many words in a line as fit into 80 columns. */
static void print_words(const char *label, const char *text)
{
    enum { INDENT = 21, WIDTH = 80 };
    int column = printf("  %-18s", label);
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        const int length = (int)strcspn(text, " ");
        if (column > INDENT && column + 1 + length > WIDTH)
            column = printf("\n%*s", INDENT - 1, "") - 1;
        column += printf(" %.*s", length, text);
        text += length;
    }
    putchar('\n');
}

static void print_extensions(const rncl_device *device)
{
    char *extensions = rncl_device_extensions(device);
    print_words("extensions", extensions ? extensions : "unknown");
    free(extensions);
}

/* "NVIDIA 9.0, 32 work-items together". */
static void print_family(const rncl_gpu *gpu)
{
    printf("  %-18s %s", "family", rncl_gpu_family_name(gpu->family));
    if (gpu->major)
        printf(" %u.%u", gpu->major, gpu->minor);
    if (gpu->sub_group)
        printf(", %u work-items together", gpu->sub_group);
    putchar('\n');
}

static rncl_status print_details(const rncl_device *device, const rncl_log *log)
{
    size_t tuned;
    RNCL_TRY(count_tuned(&device->info, log, &tuned));
    const rncl_device_info *info = &device->info;
    const char *file = rncl_device_driver_file(device);
    printf("\n%d  %s\n", info->number, info->name);
    print_words("vendor", info->vendor);
    if (info->type == RNCL_DEVICE_GPU)
        print_family(&device->gpu);
    print_words("version", info->version);
    print_words("driver", info->driver);
    print_words("driver's file", file ? file : "unknown");
    print_size("memory", info->global_memory, "");
    print_size("largest allocation", info->max_allocation, "");
    print_size("local memory", info->local_memory,
               info->local_memory_dedicated ? "" : ", a part of the device's memory");
    printf("  %-18s %zu work-items\n", "work-group", info->max_work_group_size);
    printf("  %-18s %u floats, %s half precision\n", "vectors", info->vector_width,
           info->fp16 ? "with" : "no");
    printf("  %-18s %s\n", "the host's memory", info->unified_memory ? "shared" : "apart");
    printf("  %-18s %s\n", "compiler", info->compiler ? "in the driver" : "none");
    printf("  %-18s %zu kernels\n", "tuned", tuned);
    print_extensions(device);
    return RNCL_OK;
}

rncl_status rncl_devices_run(rncl_options *options)
{
    rncl_console console;
    rncl_console_init(&console, options);
    rncl_device_list *list;
    RNCL_TRY(rncl_device_list_create(&console.log, &list));
    rncl_status st = RNCL_OK;
    if (options->json)
        st = print_json(list, &console.log);
    else if (list->count)
        st = print_table(list);
    for (size_t i = 0; i < list->count && options->verbose && !options->json && !st; i++)
        st = print_details(&list->devices[i], &console.log);
    /* Choosing from an empty list fails, and says what to install. */
    const rncl_device *first;
    if (!st)
        st = rncl_device_choose(list, NULL, &first);
    rncl_device_list_destroy(list);
    return st;
}
