/* Everything that a model consists of lives in blocks that are freed together with it. */
#include "onnx_file.h"

#ifdef RNCL_WITH_ONNX

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "onnx.pb-c.h"
#include "rncl/version.h"
#include "util.h"

typedef union block {
    union block *next;
    max_align_t alignment;
} block;

struct rncl_onnx_file {
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset, *opsets[1];
    block *blocks;
    rncl_status status; /* of the first allocation that failed */
};

/* ---- memory ---- */

/* Zeroed; NULL when there is none, or has not been any before. */
static void *allocate(rncl_onnx_file *file, size_t size_bytes)
{
    block *added = file->status ? NULL : calloc(1, sizeof *added + size_bytes);
    if (!added) {
        if (!file->status)
            file->status = RNCL_FAIL(RNCL_ERR_MEMORY, "%zu bytes of an ONNX model", size_bytes);
        return NULL;
    }
    added->next = file->blocks;
    file->blocks = added;
    return added + 1;
}

static void *copy(rncl_onnx_file *file, const void *bytes, size_t size_bytes)
{
    void *copied = allocate(file, size_bytes);
    return copied ? memcpy(copied, bytes, size_bytes) : NULL;
}

static char *copy_text(rncl_onnx_file *file, const char *text)
{
    return copy(file, text, strlen(text) + 1);
}

/* Appends to one of protobuf-c's arrays of pointers, which grows to the next power of two when it is full.
 * Its outgrown blocks stay until the end: together they are no larger than the last. */
#define APPEND(file, message, field, item)                                                                   \
    append(file, (void ***)&(message)->field, &(message)->n_##field, item)

static void append(rncl_onnx_file *file, void ***items, size_t *count, void *item)
{
    if ((*count & (*count - 1)) == 0) {
        void **grown = allocate(file, (*count ? 2 * *count : 1) * sizeof *grown);
        if (!grown)
            return;
        if (*count)
            memcpy(grown, *items, *count * sizeof *grown);
        *items = grown;
    }
    if (!file->status)
        (*items)[(*count)++] = item;
}

/* A new message of protobuf-c: NEW(file, node_proto, NodeProto). */
#define NEW(file, stem, type) make(file, sizeof(Onnx__##type), &onnx__##stem##__descriptor)

static void *make(rncl_onnx_file *file, size_t size_bytes, const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message = allocate(file, size_bytes);
    if (message)
        protobuf_c_message_init(descriptor, message);
    return message;
}

rncl_status rncl_onnx_file_create(const char *graph_name, int opset, rncl_onnx_file **out)
{
    /* The version of the format that came with the set. */
    static const int ir_versions[] = {8, 8, 9, 9, 10, 10};
    static_assert(COUNT(ir_versions) == RNCL_ONNX_NEWEST_OPSET - RNCL_ONNX_OLDEST_OPSET + 1, "one each");
    assert(opset >= RNCL_ONNX_OLDEST_OPSET && opset <= RNCL_ONNX_NEWEST_OPSET);
    *out = NULL;
    rncl_onnx_file *file = calloc(1, sizeof *file);
    if (!file)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "an ONNX model");
    onnx__model_proto__init(&file->model);
    onnx__graph_proto__init(&file->graph);
    onnx__operator_set_id_proto__init(&file->opset);
    file->model.has_ir_version = true;
    file->model.ir_version = ir_versions[opset - RNCL_ONNX_OLDEST_OPSET];
    file->model.producer_name = copy_text(file, "rncl");
    file->model.producer_version = copy_text(file, RNCL_VERSION);
    file->model.graph = &file->graph;
    file->graph.name = copy_text(file, graph_name);
    file->opset.domain = copy_text(file, "");
    file->opset.has_version = true;
    file->opset.version = opset;
    file->opsets[0] = &file->opset;
    file->model.opset_import = file->opsets;
    file->model.n_opset_import = 1;
    *out = file;
    return RNCL_OK;
}

void rncl_onnx_file_destroy(rncl_onnx_file *file)
{
    while (file && file->blocks) {
        block *first = file->blocks;
        file->blocks = first->next;
        free(first);
    }
    free(file);
}

/* ---- contents ---- */

static void add_attribute(rncl_onnx_file *file, Onnx__NodeProto *node, const rncl_onnx_attribute *attribute)
{
    Onnx__AttributeProto *added = NEW(file, attribute_proto, AttributeProto);
    if (!added)
        return;
    added->name = copy_text(file, attribute->name);
    added->has_type = true;
    if (attribute->single) {
        added->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
        added->has_i = true;
        added->i = attribute->ints[0];
    } else if (attribute->count) {
        added->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
        added->n_ints = (size_t)attribute->count;
        added->ints = copy(file, attribute->ints, added->n_ints * sizeof *added->ints);
    } else {
        added->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
        added->has_f = true;
        added->f = attribute->number;
    }
    APPEND(file, node, attribute, added);
}

void rncl_onnx_file_node(rncl_onnx_file *file, const rncl_onnx_node *node)
{
    Onnx__NodeProto *added = NEW(file, node_proto, NodeProto);
    if (!added)
        return;
    added->name = copy_text(file, node->output);
    added->op_type = copy_text(file, node->type);
    for (int i = 0; i < RNCL_ONNX_INPUTS && node->inputs[i]; i++)
        APPEND(file, added, input, copy_text(file, node->inputs[i]));
    APPEND(file, added, output, added->name);
    for (int i = 0; i < RNCL_ONNX_ATTRIBUTES && node->attributes[i].name; i++)
        add_attribute(file, added, &node->attributes[i]);
    APPEND(file, &file->graph, node, added);
}

static void add_constant(rncl_onnx_file *file, const char *name, rncl_onnx_shape shape,
                         Onnx__TensorProto__DataType type, const void *values, size_t value_bytes)
{
    Onnx__TensorProto *added = NEW(file, tensor_proto, TensorProto);
    if (!added)
        return;
    added->name = copy_text(file, name);
    added->has_data_type = added->has_raw_data = true;
    added->data_type = (int32_t)type;
    added->n_dims = (size_t)shape.rank;
    added->dims = copy(file, shape.dims, added->n_dims * sizeof *added->dims);
    added->raw_data.len = value_bytes;
    for (int i = 0; i < shape.rank; i++)
        added->raw_data.len *= (size_t)shape.dims[i];
    added->raw_data.data = copy(file, values, added->raw_data.len);
    APPEND(file, &file->graph, initializer, added);
}

void rncl_onnx_file_floats(rncl_onnx_file *file, const char *name, rncl_onnx_shape shape, const float *values)
{
    add_constant(file, name, shape, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, values, sizeof *values);
}

void rncl_onnx_file_ints(rncl_onnx_file *file, const char *name, int count, const int64_t *values)
{
    add_constant(file, name, (rncl_onnx_shape){1, {count}}, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, values,
                 sizeof *values);
}

static void add_dimension(rncl_onnx_file *file, Onnx__TensorShapeProto *shape, int64_t size)
{
    Onnx__TensorShapeProto__Dimension *added =
        NEW(file, tensor_shape_proto__dimension, TensorShapeProto__Dimension);
    if (!added)
        return;
    if (size < 0) {
        added->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        added->dim_param = copy_text(file, "N");
    } else {
        added->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        added->dim_value = size;
    }
    APPEND(file, shape, dim, added);
}

static Onnx__ValueInfoProto *make_value(rncl_onnx_file *file, const char *name, rncl_onnx_shape shape,
                                        const char *meaning)
{
    Onnx__ValueInfoProto *value = NEW(file, value_info_proto, ValueInfoProto);
    Onnx__TypeProto *type = NEW(file, type_proto, TypeProto);
    Onnx__TypeProto__Tensor *tensor = NEW(file, type_proto__tensor, TypeProto__Tensor);
    Onnx__TensorShapeProto *dims = NEW(file, tensor_shape_proto, TensorShapeProto);
    if (!dims)
        return NULL;
    for (int i = 0; i < shape.rank; i++)
        add_dimension(file, dims, shape.dims[i]);
    tensor->has_elem_type = true;
    tensor->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = dims;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    value->name = copy_text(file, name);
    value->type = type;
    value->doc_string = copy_text(file, meaning);
    return value;
}

void rncl_onnx_file_input(rncl_onnx_file *file, const char *name, rncl_onnx_shape shape, const char *meaning)
{
    APPEND(file, &file->graph, input, make_value(file, name, shape, meaning));
}

void rncl_onnx_file_output(rncl_onnx_file *file, const char *name, rncl_onnx_shape shape, const char *meaning)
{
    APPEND(file, &file->graph, output, make_value(file, name, shape, meaning));
}

void rncl_onnx_file_metadata(rncl_onnx_file *file, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *added = NEW(file, string_string_entry_proto, StringStringEntryProto);
    if (!added)
        return;
    added->key = copy_text(file, key);
    added->value = copy_text(file, value);
    APPEND(file, &file->model, metadata_props, added);
}

/* ---- the file ---- */

typedef struct stream_buffer {
    ProtobufCBuffer base;
    FILE *stream;
} stream_buffer;

/* Failures of the stream show when the file is committed. */
static void write_to_stream(ProtobufCBuffer *buffer, size_t length, const uint8_t *bytes)
{
    fwrite(bytes, 1, length, ((stream_buffer *)buffer)->stream);
}

rncl_status rncl_onnx_file_write(const rncl_onnx_file *file, const char *path)
{
    RNCL_TRY(file->status);
    if (protobuf_c_message_get_packed_size(&file->model.base) > INT_MAX)
        return RNCL_FAIL(RNCL_ERR_USAGE, "%s: the network is too large; an ONNX file holds less than 2 GiB",
                         path);
    rncl_atomic_file written;
    RNCL_TRY(rncl_atomic_file_create(path, &written));
    stream_buffer buffer = {.base = {.append = write_to_stream}, .stream = written.stream};
    protobuf_c_message_pack_to_buffer(&file->model.base, &buffer.base);
    return rncl_atomic_file_commit(&written);
}

#endif
