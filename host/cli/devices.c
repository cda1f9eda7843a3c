/* rncl devices */
#include <stdio.h>

#include "command.h"
#include "console.h"
#include "device.h"
#include "table.h"

static json_t *describe_device(const rncl_device_info *info)
{
    /* There is no tuner yet, so that no device has been tuned for. */
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:b, s:b, s:b}", "number",
                     info->number, "name", info->name, "platform", info->platform, "vendor", info->vendor,
                     "type", rncl_device_type_name(info->type), "version", info->version, "driver",
                     info->driver, "compute_units", (int)info->compute_units, "global_memory",
                     (json_int_t)info->global_memory, "max_allocation", (json_int_t)info->max_allocation,
                     "local_memory", (json_int_t)info->local_memory, "fp16", info->fp16, "compiler",
                     info->compiler, "tuned", false);
}

static rncl_status print_json(const rncl_device_list *list)
{
    json_t *devices = json_array();
    for (size_t i = 0; i < list->count; i++)
        if (json_array_append_new(devices, describe_device(&list->devices[i].info)) != 0) {
            json_decref(devices);
            return RNCL_FAIL(RNCL_ERR_MEMORY, "JSON document");
        }
    return rncl_json_print(json_pack("{s:o}", "devices", devices));
}

static rncl_status print_table(const rncl_device_list *list)
{
    rncl_table *table;
    RNCL_TRY(rncl_table_create("number\tname\ttype\tplatform\tunits\tmemory\tdriver", "rlllrrl", &table));
    rncl_status st = RNCL_OK;
    for (size_t i = 0; i < list->count && !st; i++) {
        const rncl_device_info *info = &list->devices[i].info;
        st = rncl_table_add(table, "%d\t%s\t%s\t%s\t%u\t%.1f GiB\t%s", info->number, info->name,
                            info->emulator ? "emulator" : rncl_device_type_name(info->type), info->platform,
                            info->compute_units, (double)info->global_memory / (1 << 30), info->driver);
    }
    if (!st)
        rncl_table_print(table, stdout);
    rncl_table_destroy(table);
    return st;
}

rncl_status rncl_devices_run(rncl_options *options)
{
    rncl_console console;
    rncl_console_init(&console, options);
    rncl_device_list *list;
    RNCL_TRY(rncl_device_list_create(&console.log, &list));
    rncl_status st = RNCL_OK;
    if (options->json)
        st = print_json(list);
    else if (list->count)
        st = print_table(list);
    /* Choosing from an empty list fails, and says what to install. */
    const rncl_device *first;
    if (!st)
        st = rncl_device_choose(list, NULL, &first);
    rncl_device_list_destroy(list);
    return st;
}
