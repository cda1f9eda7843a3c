/* Reads the manifest and loads binaries. */
#include "kernel_binaries.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cl_error.h"
#include "file.h"
#include "json_text.h"
#include "program_source.h"
#include "util.h"

struct rncl_kernel_binaries {
    char *folder;
    json_t *manifest;
};

void rncl_kernel_binaries_close(struct rncl_kernel_binaries *binaries)
{
    if (!binaries)
        return;
    json_decref(binaries->manifest);
    free(binaries->folder);
    free(binaries);
}

/* "" where there is no such text. */
static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static rncl_status parse_manifest(const char *path, const rncl_contents *contents, json_t **manifest)
{
    json_error_t error;
    const rncl_status st = rncl_json_parse(contents->data ? (const char *)contents->data : "",
                                           contents->size_bytes, 0, manifest, &error);
    if (st == RNCL_ERR_MEMORY)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to read it", path);
    if (st)
        return RNCL_FAIL(RNCL_ERR_BUILD, "%s: line %d is no JSON; write the folder again by `rncl kernels`",
                         path, error.line);
    return RNCL_OK;
}

static rncl_status read_manifest(struct rncl_kernel_binaries *binaries)
{
    char *path = rncl_path_join(binaries->folder, RNCL_KERNELS_MANIFEST);
    if (!path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "path of %s", RNCL_KERNELS_MANIFEST);
    rncl_contents contents = {0};
    rncl_status st = rncl_file_read(path, &contents);
    if (!st)
        st = parse_manifest(path, &contents, &binaries->manifest);
    rncl_contents_free(&contents);
    if (!st && (json_integer_value(json_object_get(binaries->manifest, "format")) != RNCL_KERNELS_FORMAT ||
                !json_is_array(json_object_get(binaries->manifest, "programs"))))
        st = RNCL_FAIL(RNCL_ERR_BUILD, "%s is not the manifest of `rncl kernels`, or that of another version",
                       path);
    free(path);
    return st;
}

/* Binaries of one board do not run on another, which not every driver notices. */
static rncl_status check_device(const struct rncl_kernel_binaries *binaries, const rncl_device_info *info)
{
    const json_t *made_for = json_object_get(binaries->manifest, "device");
    const struct {
        const char *what, *manifest, *device;
    } pairs[] = {
        {"device", text_of(made_for, "name"), info->name},
        {"platform", text_of(made_for, "platform"), info->platform},
        {"driver", text_of(made_for, "driver"), info->driver},
    };
    for (size_t i = 0; i < COUNT(pairs); i++)
        if (strcmp(pairs[i].manifest, pairs[i].device) != 0)
            return RNCL_FAIL(
                RNCL_ERR_BUILD,
                "%s: its kernels are for %s \"%.120s\" and not for \"%s\"; write and build them for "
                "this device by `rncl kernels`",
                binaries->folder, pairs[i].what,
                rncl_text_is_plain(pairs[i].manifest) ? pairs[i].manifest : "?", pairs[i].device);
    return RNCL_OK;
}

rncl_status rncl_kernel_binaries_use(rncl_context *context, const char *folder)
{
    struct rncl_kernel_binaries *binaries = calloc(1, sizeof *binaries);
    if (!binaries)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "kernel binaries of %s", folder);
    binaries->folder = strdup(folder);
    rncl_status st = RNCL_OK;
    if (!binaries->folder)
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "kernel binaries of %s", folder);
    if (!st)
        st = read_manifest(binaries);
    if (!st)
        st = check_device(binaries, &context->info);
    if (st) {
        rncl_kernel_binaries_close(binaries);
        return st;
    }
    context->binaries = binaries;
    return RNCL_OK;
}

/* The manifest's name for a program, without a folder; NULL if there is none of that identity. *stale: there
 * is one of other source. */
static const char *find_program(const struct rncl_kernel_binaries *binaries, const char *stem,
                                const char *options, const char *identity, bool *stale)
{
    size_t i;
    const json_t *program;
    *stale = false;
    json_array_foreach(json_object_get(binaries->manifest, "programs"), i, program)
    {
        const char *name = text_of(program, "name");
        if (!strcmp(text_of(program, "identity"), identity) && *name && !strchr(name, '/'))
            return name;
        if (!strcmp(text_of(program, "program"), stem) && !strcmp(text_of(program, "options"), options))
            *stale = true;
    }
    return NULL;
}

static rncl_status create_program(rncl_context *context, const char *path, const char *options,
                                  cl_program *out)
{
    rncl_contents file;
    RNCL_TRY(rncl_file_read(path, &file));
    cl_int error, refused = CL_SUCCESS;
    const unsigned char *binary = file.data;
    *out = clCreateProgramWithBinary(context->context, 1, &context->device, &file.size_bytes, &binary,
                                     &refused, &error);
    rncl_contents_free(&file);
    if (error == CL_SUCCESS)
        error = clBuildProgram(*out, 1, &context->device, options, NULL, NULL);
    if (error == CL_SUCCESS)
        return RNCL_OK;
    if (*out)
        clReleaseProgram(*out);
    *out = NULL;
    if (error == CL_OUT_OF_HOST_MEMORY || error == CL_OUT_OF_RESOURCES)
        return rncl_cl_status(error, "clCreateProgramWithBinary", "%s", path);
    return RNCL_FAIL(RNCL_ERR_BUILD,
                     "%s: %s refuses it (error %d): damaged, or built for another board or driver", path,
                     context->info.name, error);
}

/* Whether NAME.built says that the binary is of this identity. */
static bool is_built_from(const char *path, const char *identity)
{
    rncl_contents file;
    if (!rncl_file_exists(path) || rncl_file_read(path, &file))
        return false;
    const size_t length = strlen(identity);
    const bool same = file.size_bytes >= length && !memcmp(file.data, identity, length);
    rncl_contents_free(&file);
    return same;
}

static rncl_status load_named(rncl_context *context, const char *name, const char *identity,
                              const char *options, cl_program *out)
{
    const char *folder = context->binaries->folder;
    char *binary = rncl_text_format("%s/%s.bin", folder, name);
    char *built = rncl_text_format("%s/%s.built", folder, name);
    rncl_status st;
    if (!binary || !built)
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "path of %s.bin", name);
    else if (!rncl_file_may_exist(binary))
        st = RNCL_FAIL(RNCL_ERR_BUILD, "%s is missing; build it by `make` in that folder", binary);
    else if (!is_built_from(built, identity))
        st = RNCL_FAIL(RNCL_ERR_BUILD,
                       "%s is stale: built from other source; build it by `make` in that folder", binary);
    else
        st = create_program(context, binary, options, out);
    free(binary);
    free(built);
    return st;
}

rncl_status rncl_kernel_binaries_load(rncl_context *context, const char *stem, const char *options,
                                      cl_program *out)
{
    *out = NULL;
    uint64_t hash;
    RNCL_TRY(rncl_program_identity(stem, options, &hash));
    char identity[24];
    bool stale;
    snprintf(identity, sizeof identity, "%016" PRIx64, hash);
    const char *name = find_program(context->binaries, stem, options, identity, &stale);
    if (name)
        return load_named(context, name, identity, options, out);
    return RNCL_FAIL(RNCL_ERR_BUILD,
                     "%s: program %s with \"%s\" is %s; write and build the kernels of this network by "
                     "`rncl kernels`",
                     context->binaries->folder, stem, options,
                     stale ? "stale: this rncl has other source" : "missing");
}
