/* rncl export */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "console.h"
#include "onnx.h"
#include "paths.h"
#include "pytorch.h"
#include "trained.h"

static rncl_status check_usage(const rncl_options *options)
{
    if (!options->onnx[0] && !options->pytorch[0])
        return RNCL_FAIL(RNCL_ERR_USAGE, "rncl export needs --onnx FILE or --torch-script-free FILE.py");
    return RNCL_OK;
}

static rncl_status write_files(const rncl_options *options, const rncl_exported *model)
{
    if (options->onnx[0]) {
        RNCL_TRY(rncl_onnx_export(model, &(rncl_onnx_request){.path = options->onnx,
                                                              .opset = options->opset,
                                                              .fold = options->fold_bn,
                                                              .normalise = options->normalise}));
        printf("%s\n", options->onnx);
    }
    if (options->pytorch[0]) {
        RNCL_TRY(rncl_pytorch_export(model, options->pytorch));
        printf("%s\n", options->pytorch);
    }
    return RNCL_OK;
}

static rncl_status export(const rncl_log *log, rncl_options *options)
{
    rncl_model_meta meta = {0};
    rncl_graph *graph = NULL;
    rncl_trained_weights weights = {0};
    RNCL_TRY(rncl_trained_open(log, options, &meta, &graph));
    memcpy(meta.mean, options->mean, sizeof meta.mean);
    memcpy(meta.std, options->std, sizeof meta.std);
    rncl_status st = rncl_arch_check_runs(options->network.arch);
    if (!st)
        st = rncl_trained_read(log, options, graph, &weights);
    if (!st)
        st = write_files(options, &(rncl_exported){graph, &meta, weights.params, weights.state});
    rncl_trained_weights_free(&weights);
    rncl_graph_destroy(graph);
    rncl_model_meta_fini(&meta);
    return st;
}

rncl_status rncl_export_run(rncl_options *options)
{
    RNCL_TRY(check_usage(options));
    RNCL_TRY(rncl_paths_complete_model(options, "export"));
    rncl_console console;
    rncl_console_init(&console, options);
    return export(&console.log, options);
}
