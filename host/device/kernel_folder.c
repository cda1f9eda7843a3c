/* Sources, manifest, Makefile, and the driver's binaries. */
#include "kernel_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cl_error.h"
#include "file.h"
#include "json_text.h"
#include "kernel_binaries.h"
#include "program_source.h"
#include "rncl/version.h"
#include "util.h"

#define FOR_PROGRAMS(context, record) for (size_t i_ = 0; rncl_program_at(context, i_, &(record)); i_++)

rncl_status rncl_kernel_folder_name(const rncl_program_record *program, char name[RNCL_KERNELS_NAME])
{
    uint64_t identity;
    RNCL_TRY(rncl_program_identity(program->stem, program->options, &identity));
    snprintf(name, RNCL_KERNELS_NAME, "%s_%08" PRIx64, program->stem, identity >> 32);
    for (char *slash = name; (slash = strchr(slash, '/'));)
        *slash = '_';
    return RNCL_OK;
}

/* ---- files ---- */

static bool has_contents(const char *path, const void *data, size_t size_bytes)
{
    rncl_contents file;
    if (!rncl_file_exists(path) || rncl_file_read(path, &file))
        return false;
    const bool same = file.size_bytes == size_bytes && (!size_bytes || !memcmp(file.data, data, size_bytes));
    rncl_contents_free(&file);
    return same;
}

static rncl_status write_file(const char *folder, const char *name, const char *suffix, const void *data,
                              size_t size_bytes)
{
    char *path = rncl_text_format("%s/%s%s", folder, name, suffix);
    if (!path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "path of %s%s", name, suffix);
    const rncl_status st =
        has_contents(path, data, size_bytes) ? RNCL_OK : rncl_file_write(path, data, size_bytes);
    free(path);
    return st;
}

static rncl_status write_source(const char *folder, const char *name, const rncl_program_record *program)
{
    char *source;
    RNCL_TRY(rncl_program_source(program->stem, &source));
    const rncl_status st = write_file(folder, name, ".cl", source, strlen(source));
    free(source);
    return st;
}

/* The stamp follows the binary, which counts only with it. */
static rncl_status write_binary(const char *folder, const char *name, const rncl_program_record *program)
{
    size_t size_bytes = 0;
    uint64_t identity;
    char stamp[24];
    RNCL_TRY(rncl_program_identity(program->stem, program->options, &identity));
    snprintf(stamp, sizeof stamp, "%016" PRIx64 "\n", identity);
    cl_int error =
        clGetProgramInfo(program->program, CL_PROGRAM_BINARY_SIZES, sizeof size_bytes, &size_bytes, NULL);
    RNCL_TRY(rncl_cl_status(error, "clGetProgramInfo", "size of %s.bin", name));
    unsigned char *binary = malloc(size_bytes + 1);
    if (!binary)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s.bin", name);
    error = clGetProgramInfo(program->program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL);
    rncl_status st = rncl_cl_status(error, "clGetProgramInfo", "%s.bin", name);
    if (!st)
        st = write_file(folder, name, ".bin", binary, size_bytes);
    if (!st)
        st = write_file(folder, name, ".built", stamp, strlen(stamp));
    free(binary);
    return st;
}

/* ---- the manifest ---- */

static json_t *list_kernels(const char *kernels)
{
    json_t *list = json_array();
    for (size_t length; *kernels; kernels += length) {
        kernels += strspn(kernels, " ");
        length = strcspn(kernels, " ");
        if (length)
            json_array_append_new(list, json_stringn(kernels, length));
    }
    return list;
}

static rncl_status describe_program(const rncl_program_record *program, json_t *list)
{
    char name[RNCL_KERNELS_NAME], identity_text[24];
    uint64_t identity;
    RNCL_TRY(rncl_kernel_folder_name(program, name));
    RNCL_TRY(rncl_program_identity(program->stem, program->options, &identity));
    snprintf(identity_text, sizeof identity_text, "%016" PRIx64, identity);
    const int failed =
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", name, "program",
                                              program->stem, "options", program->options, "identity",
                                              identity_text, "kernels", list_kernels(program->kernels)));
    if (failed)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "manifest of the kernels");
    return RNCL_OK;
}

static rncl_status write_manifest(const rncl_context *context, const char *folder)
{
    const rncl_device_info *info = &context->info;
    rncl_program_record program;
    rncl_status st = RNCL_OK;
    json_t *programs = json_array();
    FOR_PROGRAMS(context, program)
    if (!st)
        st = describe_program(&program, programs);
    json_t *manifest = json_pack("{s:i, s:s, s:{s:s, s:s, s:s}, s:o}", "format", RNCL_KERNELS_FORMAT, "rncl",
                                 RNCL_VERSION, "device", "name", info->name, "platform", info->platform,
                                 "driver", info->driver, "programs", programs);
    char *text = manifest ? rncl_json_format(manifest, JSON_INDENT(2)) : NULL;
    if (!st && !text)
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "manifest of the kernels");
    if (!st)
        st = write_file(folder, RNCL_KERNELS_MANIFEST, "", text, strlen(text));
    free(text);
    json_decref(manifest);
    return st;
}

/* ---- the Makefile ---- */

static const char makefile_rules[] =
    "\n"
    "# Intel FPGAs: make TOOL=aoc [BOARD=name]. AMD FPGAs: make TOOL=v++ PLATFORM=name. PoCL: make "
    "TOOL=poclcc,\n"
    "# after Clang has looked at the source. `make check` does only that.\n"
    "# FLAGS=... goes to the compiler, such as those for its emulator.\n"
    "TOOL ?= poclcc\n"
    "TARGET ?= hw\n"
    "CLANG ?= clang\n"
    "CHECK = $(CLANG) -x cl -cl-std=CL1.2 -Xclang -finclude-default-header -fsyntax-only "
    "-Wno-unknown-pragmas\n"
    "\n"
    "build-aoc = aoc $(FLAGS) $(if $(BOARD),-board=$(BOARD)) $(OPTIONS) -o $*.aocx $< && cp $*.aocx $@\n"
    "build-v++ = set -e; for kernel in $(KERNELS); do v++ -c -t $(TARGET) --platform $(PLATFORM) $(FLAGS) "
    "$(OPTIONS) "
    "\\\n"
    "\t-k $$kernel -o $*.$$kernel.xo $<; done; v++ -l -t $(TARGET) --platform $(PLATFORM) $(FLAGS) \\\n"
    "\t-o $*.xclbin $(KERNELS:%=$*.%.xo) && cp $*.xclbin $@\n"
    "build-poclcc = $(CHECK) $(OPTIONS) $< && poclcc $(FLAGS) -b \"$(OPTIONS)\" -o $@ $<\n"
    "\n"
    "all: $(PROGRAMS:%=%.built)\n"
    "\n"
    "check: $(PROGRAMS:%=%.checked)\n"
    "\n"
    "%.checked: %.cl\n"
    "\t$(CHECK) $(OPTIONS) $<\n"
    "\n"
    "# The stamp is last: a binary without one does not count.\n"
    "%.bin: %.cl\n"
    "\trm -f $*.built\n"
    "\t$(build-$(TOOL))\n"
    "\n"
    "%.built: %.bin\n"
    "\tprintf '%s\\n' $(IDENTITY) > $@\n"
    "\n"
    ".PRECIOUS: %.bin\n"
    ".PHONY: all check\n";

static rncl_status print_variables(const rncl_program_record *program, FILE *stream)
{
    char name[RNCL_KERNELS_NAME];
    uint64_t identity;
    RNCL_TRY(rncl_kernel_folder_name(program, name));
    RNCL_TRY(rncl_program_identity(program->stem, program->options, &identity));
    fprintf(stream,
            "\nPROGRAMS += %s\n%s.%%: OPTIONS = %s\n%s.%%: KERNELS =%s\n%s.%%: IDENTITY = %016" PRIx64 "\n",
            name, name, program->options, name, program->kernels, name, identity);
    return RNCL_OK;
}

static rncl_status write_makefile(const rncl_context *context, const char *folder)
{
    char *text = NULL;
    size_t size_bytes = 0;
    rncl_program_record program;
    FILE *stream = open_memstream(&text, &size_bytes);
    if (!stream)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "Makefile of the kernels");
    rncl_status st = RNCL_OK;
    fprintf(stream, "# Compiles the programs of %s ahead of time.\n", RNCL_KERNELS_MANIFEST);
    fputs("default: all\n", stream);
    FOR_PROGRAMS(context, program)
    if (!st)
        st = print_variables(&program, stream);
    fputs(makefile_rules, stream);
    const bool lost = ferror(stream) != 0;
    if ((fclose(stream) != 0 || lost || !text) && !st)
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "Makefile of the kernels");
    if (!st)
        st = write_file(folder, "Makefile", "", text, size_bytes);
    free(text);
    return st;
}

rncl_status rncl_kernel_folder_write(const rncl_context *context, const char *folder)
{
    rncl_program_record program;
    RNCL_TRY(rncl_directory_create(folder));
    FOR_PROGRAMS(context, program)
    {
        char name[RNCL_KERNELS_NAME];
        RNCL_TRY(rncl_kernel_folder_name(&program, name));
        RNCL_TRY(write_source(folder, name, &program));
        if (program.program)
            RNCL_TRY(write_binary(folder, name, &program));
    }
    RNCL_TRY(write_makefile(context, folder));
    return write_manifest(context, folder);
}
