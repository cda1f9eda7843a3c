#include "onnx.h"

#ifdef RNCL_WITH_ONNX

#include <jansson.h>
#include <stdio.h>

#include "model_meta.h"
#include "number.h"
#include "onnx_nodes.h"

static const char input[] = "images", normalised[] = "images/normalised", output[] = "logits";

/* How predict and eval make the network's input of a picture (host/data/crop.h). */
static void add_preparation(const rncl_exported *model, bool normalise, rncl_onnx_file *file)
{
    const int image = model->graph->options.image;
    char shorter[16], crop[16];
    rncl_number_format(shorter, sizeof shorter, "%.6g", image * 256 / 224.0);
    snprintf(crop, sizeof crop, "%d", image);
    rncl_onnx_file_metadata(file, "rncl.input",
                            normalise ? "pixels from 0 to 1" : "(pixels from 0 to 1 - rncl.mean) / rncl.std");
    rncl_onnx_file_metadata(file, "rncl.resize", shorter);
    rncl_onnx_file_metadata(file, "rncl.resize_filter", "bilinear, anti-aliased");
    rncl_onnx_file_metadata(file, "rncl.crop", crop);
}

static rncl_status add_metadata(const rncl_exported *model, const rncl_onnx_request *request,
                                rncl_onnx_file *file)
{
    json_t *metadata;
    RNCL_TRY(rncl_model_meta_json(request->path, &model->graph->options, model->meta, &metadata));
    json_object_del(metadata, "format"); /* of the tensors in a model file */
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value) rncl_onnx_file_metadata(file, key, json_string_value(value));
    json_decref(metadata);
    add_preparation(model, request->normalise, file);
    return RNCL_OK;
}

/* (images - mean) / std for each channel. */
static void add_normalisation(const rncl_exported *model, rncl_onnx_file *file)
{
    const rncl_onnx_shape each = {4, {1, model->graph->options.channels, 1, 1}};
    rncl_onnx_file_floats(file, "mean", each, model->meta->mean);
    rncl_onnx_file_floats(file, "std", each, model->meta->std);
    rncl_onnx_file_node(
        file, &(rncl_onnx_node){.type = "Sub", .inputs = {input, "mean"}, .output = "images/centred"});
    rncl_onnx_file_node(
        file, &(rncl_onnx_node){.type = "Div", .inputs = {"images/centred", "std"}, .output = normalised});
}

static rncl_status fill(const rncl_exported *model, const rncl_onnx_request *request, rncl_onnx_file *file)
{
    const rncl_network_options *options = &model->graph->options;
    rncl_onnx_file_input(file, input,
                         (rncl_onnx_shape){4, {-1, options->channels, options->image, options->image}},
                         request->normalise ? "pixels from 0 to 1" : "normalised pixels");
    rncl_onnx_file_output(file, output, (rncl_onnx_shape){2, {-1, options->classes}},
                          "before softmax, one a class");
    if (request->normalise)
        add_normalisation(model, file);
    RNCL_TRY(
        rncl_onnx_nodes_add(model, request->fold, request->normalise ? normalised : input, output, file));
    return add_metadata(model, request, file);
}

rncl_status rncl_onnx_export(const rncl_exported *model, const rncl_onnx_request *request)
{
    const rncl_network_options *options = &model->graph->options;
    char name[64];
    snprintf(name, sizeof name, "%s-%d", rncl_arch_name(options->arch), options->depth);
    rncl_onnx_file *file;
    RNCL_TRY(rncl_onnx_file_create(name, request->opset, &file));
    rncl_status st = fill(model, request, file);
    if (!st)
        st = rncl_onnx_file_write(file, request->path);
    rncl_onnx_file_destroy(file);
    return st;
}

#else

rncl_status rncl_onnx_export(const rncl_exported *model, const rncl_onnx_request *request)
{
    (void)model;
    return RNCL_FAIL(RNCL_ERR_USAGE,
                     "%s: this rncl was built without protobuf-c; on Debian: apt install libprotobuf-c-dev "
                     "protobuf-c-compiler, and build again",
                     request->path);
}

#endif
