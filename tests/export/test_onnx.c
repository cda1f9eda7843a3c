/* ONNX files: read back, run by an interpreter of their operators, and compared with PyTorch's logits. */
#include "export_test.h"

#include "file.h"
#include "golden/network_golden.h"
#include "onnx.h"
#include "onnx_run.h"
#include "util.h"

enum { RESNET18 = 0, CIFAR20 = 2 }; /* rows of golden_networks */

static const rncl_network_options resnet18 = {.depth = 18, .image = 64, .classes = GOLDEN_CLASSES};
static const rncl_network_options cifar20 = {
    .arch = RNCL_ARCH_CIFAR_RESNET, .depth = 20, .shortcut = RNCL_SHORTCUT_A};
static const rncl_network_options small = {.arch = RNCL_ARCH_CIFAR_RESNET, .depth = 8, .channels = 1};

static Onnx__ModelProto *read_model(const char *path)
{
    rncl_contents contents;
    assert_int_equal(rncl_file_read(path, &contents), RNCL_OK);
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, contents.size_bytes, contents.data);
    assert_non_null(model);
    rncl_contents_free(&contents);
    return model;
}

static Onnx__ModelProto *export_model(const test_model *m, rncl_onnx_request request)
{
    const rncl_exported model = exported(m);
    request.path = "model.onnx";
    if (!request.opset)
        request.opset = RNCL_ONNX_OLDEST_OPSET;
    assert_int_equal(rncl_onnx_export(&model, &request), RNCL_OK);
    return read_model(request.path);
}

static size_t count_nodes(const Onnx__GraphProto *graph, const char *type)
{
    size_t count = 0;
    for (size_t i = 0; i < graph->n_node; i++)
        count += !strcmp(graph->node[i]->op_type, type);
    return count;
}

static const char *metadata_of(const Onnx__ModelProto *model, const char *key)
{
    for (size_t i = 0; i < model->n_metadata_props; i++)
        if (!strcmp(model->metadata_props[i]->key, key))
            return model->metadata_props[i]->value;
    fail_msg("no %s", key);
    return NULL;
}

/* The first golden picture; as pixels that normalise to it if the model does that. */
static float *draw_picture(const test_model *m, bool normalise)
{
    const rncl_network_options *options = &m->graph->options;
    const size_t pixels = (size_t)options->image * (size_t)options->image;
    float *picture = calloc((size_t)options->channels * pixels, sizeof *picture);
    assert_non_null(picture);
    const golden_source source = {golden_stream("pictures 0"), {0, 0}, 2};
    for (size_t i = 0; i < (size_t)options->channels * pixels; i++) {
        picture[i] = golden_value(&source, i);
        if (normalise)
            picture[i] = picture[i] * m->meta.std[i / pixels] + m->meta.mean[i / pixels];
    }
    return picture;
}

/* Float weights and double sums: PyTorch's logits but for the rounding of folded filters and normalised
 * pixels. */
static void expect_golden(const rncl_network_options *options, int row, bool fold, bool normalise)
{
    static onnx_run run;
    test_model m = make_model(*options);
    Onnx__ModelProto *model = export_model(&m, (rncl_onnx_request){.fold = fold, .normalise = normalise});
    float *picture = draw_picture(&m, normalise);
    run_graph(&run, model->graph, picture);
    const onnx_value *logits = find_value(&run, model->graph->output[0]->name);
    assert_int_equal(value_size(logits), GOLDEN_CLASSES);
    for (int k = 0; k < GOLDEN_CLASSES; k++)
        if (!(fabs(logits->data[k] - golden_networks[row].inference[k]) <= 1e-5))
            fail_msg("logit %d is %.9g, PyTorch's %.9g", k, logits->data[k],
                     golden_networks[row].inference[k]);
    assert_int_equal(count_nodes(model->graph, "BatchNormalization"), fold ? 0 : m.graph->running_count);
    assert_int_equal(count_nodes(model->graph, "Conv"), m.graph->running_count);
    finish_run(&run);
    free(picture);
    onnx__model_proto__free_unpacked(model, NULL);
    release_model(&m);
}

static void a_network_with_projections_gives_pytorchs_logits(void **unused)
{
    (void)unused;
    expect_golden(&resnet18, RESNET18, false, false);
}

static void folded_it_gives_pytorchs_logits(void **unused)
{
    (void)unused;
    expect_golden(&resnet18, RESNET18, true, false);
}

static void a_network_with_padded_shortcuts_gives_pytorchs_logits(void **unused)
{
    (void)unused;
    expect_golden(&cifar20, CIFAR20, true, false);
    expect_golden(&cifar20, CIFAR20, false, false);
}

static void normalisation_inside_gives_the_same_logits(void **unused)
{
    (void)unused;
    expect_golden(&cifar20, CIFAR20, true, true);
}

static void the_file_takes_any_number_of_pictures(void **unused)
{
    (void)unused;
    test_model m = make_model(small);
    Onnx__ModelProto *model = export_model(&m, (rncl_onnx_request){.opset = 21});
    const Onnx__ValueInfoProto *input = model->graph->input[0], *output = model->graph->output[0];
    assert_int_equal(model->graph->n_input, 1);
    assert_string_equal(input->name, "images");
    assert_string_equal(output->name, "logits");
    const Onnx__TensorShapeProto *x = input->type->tensor_type->shape, *y = output->type->tensor_type->shape;
    assert_int_equal(x->n_dim, 4);
    assert_string_equal(x->dim[0]->dim_param, "N");
    assert_int_equal(x->dim[1]->dim_value, 1);
    assert_int_equal(x->dim[2]->dim_value, 32);
    assert_int_equal(x->dim[3]->dim_value, 32);
    assert_int_equal(y->n_dim, 2);
    assert_string_equal(y->dim[0]->dim_param, "N");
    assert_int_equal(y->dim[1]->dim_value, 10);
    assert_int_equal(model->ir_version, 10);
    assert_int_equal(model->opset_import[0]->version, 21);
    onnx__model_proto__free_unpacked(model, NULL);
    release_model(&m);
}

static void the_metadata_say_how_pictures_are_prepared(void **unused)
{
    (void)unused;
    test_model m = make_model(small);
    Onnx__ModelProto *model = export_model(&m, (rncl_onnx_request){.normalise = true});
    assert_string_equal(metadata_of(model, "rncl.arch"), "cifar-resnet");
    assert_string_equal(metadata_of(model, "rncl.mean"), "0.5");
    assert_string_equal(metadata_of(model, "rncl.std"), "0.25");
    assert_string_equal(metadata_of(model, "rncl.labels"), "[\"first\",\"zweite \\\"ä\\\"\",\"third\"]");
    assert_string_equal(metadata_of(model, "rncl.input"), "pixels from 0 to 1");
    assert_string_equal(metadata_of(model, "rncl.resize"), "36.5714");
    assert_string_equal(metadata_of(model, "rncl.crop"), "32");
    onnx__model_proto__free_unpacked(model, NULL);
    release_model(&m);
}

static void one_model_gives_one_file(void **unused)
{
    (void)unused;
    test_model m = make_model(small);
    rncl_contents first, second;
    onnx__model_proto__free_unpacked(export_model(&m, (rncl_onnx_request){.fold = true}), NULL);
    assert_int_equal(rncl_file_read("model.onnx", &first), RNCL_OK);
    onnx__model_proto__free_unpacked(export_model(&m, (rncl_onnx_request){.fold = true}), NULL);
    assert_int_equal(rncl_file_read("model.onnx", &second), RNCL_OK);
    assert_int_equal(first.size_bytes, second.size_bytes);
    assert_memory_equal(first.data, second.data, first.size_bytes);
    rncl_contents_free(&first);
    rncl_contents_free(&second);
    release_model(&m);
}

static void a_place_that_cannot_be_written_is_named(void **unused)
{
    (void)unused;
    test_model m = make_model(small);
    const rncl_exported model = exported(&m);
    const rncl_onnx_request request = {.path = "nowhere/model.onnx", .opset = RNCL_ONNX_OLDEST_OPSET};
    assert_int_equal(rncl_onnx_export(&model, &request), RNCL_ERR_IO);
    assert_non_null(strstr(rncl_status_message(), "nowhere/model.onnx"));
    release_model(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_with_projections_gives_pytorchs_logits),
        cmocka_unit_test(folded_it_gives_pytorchs_logits),
        cmocka_unit_test(a_network_with_padded_shortcuts_gives_pytorchs_logits),
        cmocka_unit_test(normalisation_inside_gives_the_same_logits),
        cmocka_unit_test(the_file_takes_any_number_of_pictures),
        cmocka_unit_test(the_metadata_say_how_pictures_are_prepared),
        cmocka_unit_test(one_model_gives_one_file),
        cmocka_unit_test(a_place_that_cannot_be_written_is_named),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
