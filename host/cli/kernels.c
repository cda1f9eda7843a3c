/* rncl kernels */
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "console.h"
#include "kernel_folder.h"
#include "network.h"
#include "planning.h"
#include "self_test.h"
#include "store.h"
#include "table.h"

/* Plans a network and builds its programs and those of its self-test, or where the device has no compiler
 * only lists them. */
static rncl_status plan(rncl_context *context, const rncl_options *options, const rncl_graph *graph,
                        bool training)
{
    rncl_store *store;
    RNCL_TRY(rncl_store_open(&context->info, context->precision, &context->log, &store));
    rncl_network *network = NULL;
    rncl_network_setup setup = {
        .graph = graph,
        .batch_size = options->batch_size,
        .micro_batch = options->micro_batch,
        .training = training,
        .averaged = training,
        .mixup = training,
    };
    rncl_planning_apply(options, store, &setup);
    rncl_status st = rncl_network_create(context, &setup, &network);
    if (!st)
        st = rncl_self_test_build(network);
    rncl_network_destroy(network);
    rncl_store_close(store);
    return st;
}

static rncl_status plan_both(rncl_context *context, const rncl_options *options)
{
    rncl_graph *graph;
    RNCL_TRY(rncl_graph_build(&options->network, &graph));
    rncl_graph_align(graph, context->info.address_alignment);
    rncl_status st = plan(context, options, graph, true);
    if (!st)
        st = plan(context, options, graph, false);
    rncl_graph_destroy(graph);
    return st;
}

static rncl_status print_text(const rncl_context *context, const rncl_options *options)
{
    rncl_table *table;
    rncl_program_record program;
    size_t count = 0;
    RNCL_TRY(rncl_table_create("file\tkernels", "ll", &table));
    rncl_status st = RNCL_OK;
    for (; !st && rncl_program_at(context, count, &program); count++) {
        char name[RNCL_KERNELS_NAME];
        st = rncl_kernel_folder_name(&program, name);
        if (!st)
            st = rncl_table_add(table, "%s.cl\t%s", name, program.kernels + 1);
    }
    if (!st) {
        rncl_table_print(table, stdout);
        printf("\n%zu program%s in %s%s\n", count, count == 1 ? "" : "s", options->out,
               context->lists_programs ? "; compile them there by `make`" : ", compiled for this driver");
    }
    rncl_table_destroy(table);
    return st;
}

static rncl_status print_json(const rncl_context *context, const rncl_options *options)
{
    rncl_program_record program;
    json_t *programs = json_array();
    for (size_t i = 0; rncl_program_at(context, i, &program); i++) {
        char name[RNCL_KERNELS_NAME];
        const rncl_status st = rncl_kernel_folder_name(&program, name);
        if (st) {
            json_decref(programs);
            return st;
        }
        json_array_append_new(programs,
                              json_pack("{s:s, s:s, s:s, s:s}", "name", name, "program", program.stem,
                                        "options", program.options, "kernels", program.kernels + 1));
    }
    return rncl_json_print(json_pack("{s:o, s:b, s:o}", "folder", rncl_json_text(options->out), "compiled",
                                     !context->lists_programs, "programs", programs));
}

rncl_status rncl_kernels_run(rncl_options *options)
{
    if (!options->out[0])
        return RNCL_FAIL(RNCL_ERR_USAGE, "rncl kernels needs a folder for the programs: --out DIR");
    rncl_console console;
    rncl_console_init(&console, options);
    options->kernel_binaries[0] = '\0'; /* programs that are to be written do not come from there */
    rncl_context *context;
    RNCL_TRY(rncl_console_open_device(&console, options, &context));
    context->lists_programs = !context->info.compiler;
    rncl_status st = plan_both(context, options);
    rncl_meter_clear(&console.meter);
    if (!st)
        st = rncl_kernel_folder_write(context, options->out);
    if (!st)
        st = options->json ? print_json(context, options) : print_text(context, options);
    rncl_context_destroy(context);
    return st;
}
