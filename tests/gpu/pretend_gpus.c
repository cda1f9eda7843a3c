/* The devices that are pretended, and what they answer. */
#include "pretend_gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GIB ((uint64_t)1 << 30)
#define COUNT(array) (sizeof(array) / sizeof *(array))

#define NVIDIA "cl_khr_fp64 cl_nv_compiler_options cl_nv_device_attribute_query"
#define AMD "cl_khr_fp64 cl_khr_fp16 cl_amd_device_attribute_query"
#define INTEL "cl_khr_fp16 cl_intel_subgroups cl_intel_required_subgroup_size cl_intel_device_attribute_query"

/* One of each family, with limits like those of such cards. */
static const pretend_gpu gpus[] = {
    {
        .key = "nvidia",
        .vendor = "NVIDIA Corporation",
        .name = "NVIDIA H100 80GB HBM3",
        .extensions = NVIDIA,
        .compute_units = 132,
        .lanes = 32,
        .version = {9, 0},
        .work_group = 1024,
        .memory = 80 * GIB,
        .allocation = 20 * GIB,
        .local = 48 << 10,
        .has_double = true,
    },
    {
        .key = "gcn",
        .vendor = "Advanced Micro Devices, Inc.",
        .name = "gfx906:sramecc+:xnack-",
        .extensions = AMD,
        .compute_units = 60,
        .lanes = 64,
        .version = {9, 0},
        .work_group = 256,
        .memory = 16 * GIB,
        .allocation = 13 * GIB,
        .local = 64 << 10,
        .has_double = true,
    },
    {
        .key = "cdna",
        .vendor = "Advanced Micro Devices, Inc.",
        .name = "gfx90a:sramecc+:xnack-",
        .extensions = AMD,
        .compute_units = 104,
        .lanes = 64,
        .version = {9, 0},
        .work_group = 256,
        .memory = 64 * GIB,
        .allocation = 54 * GIB,
        .local = 64 << 10,
        .has_double = true,
    },
    {
        .key = "rdna",
        .vendor = "Advanced Micro Devices, Inc.",
        .name = "gfx1100",
        .extensions = AMD,
        .compute_units = 48,
        .lanes = 32,
        .version = {11, 0},
        .work_group = 256,
        .memory = 24 * GIB,
        .allocation = 20 * GIB,
        .local = 64 << 10,
        .has_double = true,
    },
    {
        .key = "xe_lp",
        .vendor = "Intel(R) Corporation",
        .name = "Intel(R) Iris(R) Xe Graphics",
        .extensions = INTEL,
        .compute_units = 96,
        .lanes = 8,
        .version = {12, 0},
        .units_per_core = 16,
        .work_group = 512,
        .memory = 12 * GIB,
        .allocation = 4 * GIB,
        .local = 64 << 10,
        .unified = true,
    },
    {
        .key = "xe_hpg",
        .vendor = "Intel(R) Corporation",
        .name = "Intel(R) Arc(TM) A770 Graphics",
        .extensions = INTEL,
        .compute_units = 512,
        .lanes = 8,
        .version = {12, 55},
        .units_per_core = 16,
        .work_group = 1024,
        .memory = 16 * GIB,
        .allocation = 4 * GIB,
        .local = 64 << 10,
    },
    {
        .key = "xe_hpc",
        .vendor = "Intel(R) Corporation",
        .name = "Intel(R) Data Center GPU Max 1550",
        .extensions = "cl_khr_fp64 " INTEL,
        .compute_units = 512,
        .lanes = 16,
        .version = {12, 60},
        .units_per_core = 8,
        .work_group = 1024,
        .memory = 64 * GIB,
        .allocation = 4 * GIB,
        .local = 128 << 10,
        .has_double = true,
    },
    {
        .key = "apple",
        .vendor = "Apple",
        .name = "Apple M1",
        .extensions = "",
        .compute_units = 8,
        .work_group = 256,
        .memory = 5 * GIB,
        .allocation = 1 * GIB,
        .local = 32 << 10,
        .unified = true,
    },
    {
        .key = "mali",
        .vendor = "ARM",
        .name = "Mali-G78 r0p1",
        .extensions = "cl_khr_fp16",
        .compute_units = 20,
        .work_group = 512,
        .memory = 8 * GIB,
        .allocation = 8 * GIB,
        .local = 32 << 10,
        .local_in_memory = true,
        .unified = true,
    },
    {
        .key = "adreno",
        .vendor = "QUALCOMM",
        .name = "QUALCOMM Adreno(TM)",
        .extensions = "cl_khr_fp16",
        .compute_units = 3,
        .work_group = 1024,
        .memory = 6 * GIB,
        .allocation = 1 * GIB,
        .local = 32 << 10,
        .unified = true,
    },
    {
        .key = "vega8",
        .vendor = "Advanced Micro Devices, Inc.",
        .name = "gfx902:xnack+",
        .extensions = AMD,
        .compute_units = 8,
        .lanes = 64,
        .version = {9, 0},
        .work_group = 256,
        .items = {1024, 1024, 1024},
        .memory = 6 * GIB,
        .allocation = 5 * GIB,
        .local = 64 << 10,
        .unified = true,
        .has_double = true,
    },
    {
        .key = "uhd630",
        .vendor = "Intel(R) Corporation",
        .name = "Intel(R) UHD Graphics 630",
        .extensions = "cl_khr_fp64 " INTEL,
        .compute_units = 24,
        .lanes = 8,
        .version = {9, 0},
        .units_per_core = 8,
        .work_group = 256,
        .memory = 12 * GIB,
        .allocation = 4 * GIB - 4096,
        .local = 64 << 10,
        .unified = true,
        .has_double = true,
    },
    {
        /* One work-item that is pipelined; on-chip memory is the local one. */
        .key = "u250",
        .vendor = "Xilinx",
        .name = "xilinx_u250_gen3x16_xdma_shell",
        .extensions = "cl_khr_icd",
        .compute_units = 1,
        .type = CL_DEVICE_TYPE_ACCELERATOR,
        .work_group = 4096,
        .items = {4096, 4096, 4096},
        .memory = 64 * GIB,
        .allocation = 4 * GIB,
        .local = 16 << 10,
        .alignment = 4096,
    },
    {
        .key = "stratix10",
        .vendor = "Intel Corporation",
        .name = "Stratix 10 GX shell",
        .extensions = "cl_khr_icd",
        .compute_units = 1,
        .type = CL_DEVICE_TYPE_ACCELERATOR,
        .work_group = 2147483647,
        .memory = 32 * GIB,
        .allocation = 32 * GIB,
        .local = 16 << 10,
        .alignment = 128,
        .has_double = true,
    },
    {
        /* A CPU with vectors, whose driver prefers scalars, and the least local memory of OpenCL 1.2. */
        .key = "cpu",
        .vendor = "Nobody",
        .name = "CPU with vectors",
        .extensions = "",
        .compute_units = 2,
        .type = CL_DEVICE_TYPE_CPU,
        .work_group = 64,
        .vector = 1,
        .native = 8,
        .memory = 2 * GIB,
        .allocation = 1 * GIB,
        .local = 16 << 10,
        .local_in_memory = true,
        .unified = true,
    },
    {
        .key = "scalar",
        .vendor = "Nobody",
        .name = "Scalar accelerator",
        .extensions = "",
        .compute_units = 2,
        .type = CL_DEVICE_TYPE_ACCELERATOR,
        .work_group = 64,
        .memory = 2 * GIB,
        .allocation = 1 * GIB,
        .local = 16 << 10,
        .alignment = 4096,
        .no_fma = true,
    },
    {
        /* Its kernels turn out to need so many registers that fewer work-items fit. */
        .key = "registers",
        .vendor = "Nobody",
        .name = "GPU with few registers",
        .extensions = "",
        .compute_units = 4,
        .work_group = 256,
        .items = {256, 64, 16},
        .kernel_group = 32,
        .memory = 2 * GIB,
        .allocation = 1 * GIB,
        .local = 32 << 10,
    },
    /* What rncl refuses. */
    {.key = "old",
     .vendor = "Nobody",
     .name = "Old GPU",
     .extensions = "",
     .compute_units = 1,
     .opencl = "OpenCL 1.1 old"},
    {.key = "embedded",
     .vendor = "Nobody",
     .name = "Embedded GPU",
     .extensions = "",
     .compute_units = 1,
     .profile = "EMBEDDED_PROFILE"},
    {.key = "unavailable",
     .vendor = "Nobody",
     .name = "GPU in use",
     .extensions = "",
     .compute_units = 1,
     .unavailable = true},
    {.key = "big_endian",
     .vendor = "Nobody",
     .name = "Big-endian GPU",
     .extensions = "",
     .compute_units = 1,
     .big_endian = true},
    {
        /* Nobody's: the smallest groups and local memory that rncl is to work with, and no doubles. */
        .key = "smallest",
        .vendor = "Nobody",
        .name = "Smallest GPU",
        .extensions = "",
        .compute_units = 2,
        .work_group = 64,
        .memory = 1 * GIB,
        .allocation = GIB / 4,
        .local = 16 << 10,
        .unified = true,
    },
};

/* The row, with the largest work-group and the native vectors that the environment asks for. */
static const pretend_gpu *with_wishes(const pretend_gpu *row)
{
    static _Thread_local pretend_gpu changed;
    const char *work_group = getenv("RNCL_PRETEND_WORK_GROUP"), *native = getenv("RNCL_PRETEND_NATIVE");
    changed = *row;
    if (work_group)
        changed.work_group = strtoul(work_group, NULL, 10);
    if (native)
        changed.native = (cl_uint)strtoul(native, NULL, 10);
    return &changed;
}

const pretend_gpu *pretended(void)
{
    const char *key = getenv("RNCL_PRETEND");
    if (!key)
        return NULL;
    for (size_t i = 0; i < COUNT(gpus); i++)
        if (!strcmp(gpus[i].key, key))
            return with_wishes(&gpus[i]);
    fprintf(stderr, "pretending layer: RNCL_PRETEND=%s: not one of", key);
    for (size_t i = 0; i < COUNT(gpus); i++)
        fprintf(stderr, " %s", gpus[i].key);
    fputc('\n', stderr);
    exit(2);
}

size_t pretend_items(const pretend_gpu *gpu, int dimension)
{
    const size_t items = gpu->items[dimension];
    return items && items < gpu->work_group ? items : gpu->work_group;
}

static cl_int answer_bytes(const void *from, size_t length, size_t size, void *value, size_t *needed)
{
    if (needed)
        *needed = length;
    if (value && size < length)
        return CL_INVALID_VALUE;
    if (value)
        memcpy(value, from, length);
    return CL_SUCCESS;
}

/* Queries of vendors' extensions that are not in cl.h. */
enum {
    NV_COMPUTE_CAPABILITY_MAJOR = 0x4000,
    NV_COMPUTE_CAPABILITY_MINOR = 0x4001,
    NV_WARP_SIZE = 0x4003,
    AMD_WAVEFRONT_WIDTH = 0x4043,
    AMD_GFXIP_MAJOR = 0x404a,
    AMD_GFXIP_MINOR = 0x404b,
    INTEL_SUB_GROUP_SIZES = 0x4108,
    INTEL_IP_VERSION = 0x4250,
    INTEL_EUS_PER_SUB_SLICE = 0x4254,
};

/* Answers of 32 bits. */
static bool answer_word(const pretend_gpu *gpu, cl_device_info what, cl_uint *word)
{
    const bool nvidia = strstr(gpu->extensions, "cl_nv_device") != NULL,
               amd = strstr(gpu->extensions, "cl_amd_device") != NULL,
               intel = strstr(gpu->extensions, "cl_intel_device") != NULL;
    const struct {
        cl_device_info what;
        bool known;
        cl_uint value;
    } words[] = {
        {CL_DEVICE_MAX_COMPUTE_UNITS, true, gpu->compute_units},
        {CL_DEVICE_PREFERRED_VECTOR_WIDTH_FLOAT, true, gpu->vector ? gpu->vector : 1},
        {CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, true, gpu->native ? gpu->native : 1},
        {CL_DEVICE_MEM_BASE_ADDR_ALIGN, gpu->alignment != 0, (cl_uint)(8 * gpu->alignment)},
        {CL_DEVICE_AVAILABLE, true, !gpu->unavailable},
        {CL_DEVICE_ENDIAN_LITTLE, true, !gpu->big_endian},
        {CL_DEVICE_HOST_UNIFIED_MEMORY, true, gpu->unified},
        {CL_DEVICE_LOCAL_MEM_TYPE, true, gpu->local_in_memory ? CL_GLOBAL : CL_LOCAL},
        {NV_COMPUTE_CAPABILITY_MAJOR, nvidia, gpu->version[0]},
        {NV_COMPUTE_CAPABILITY_MINOR, nvidia, gpu->version[1]},
        {NV_WARP_SIZE, nvidia, gpu->lanes},
        {AMD_WAVEFRONT_WIDTH, amd, gpu->lanes},
        {AMD_GFXIP_MAJOR, amd, gpu->version[0]},
        {AMD_GFXIP_MINOR, amd, gpu->version[1]},
        {INTEL_IP_VERSION, intel, gpu->version[0] << 22 | gpu->version[1] << 14},
        {INTEL_EUS_PER_SUB_SLICE, intel, gpu->units_per_core},
    };
    for (size_t i = 0; i < COUNT(words); i++)
        if (words[i].what == what && words[i].known) {
            *word = words[i].value;
            return true;
        }
    return false;
}

/* Answers of 64 bits. */
static bool answer_long(const pretend_gpu *gpu, cl_device_info what, uint64_t *number)
{
    const struct {
        cl_device_info what;
        uint64_t value;
    } numbers[] = {
        {CL_DEVICE_TYPE, gpu->type ? gpu->type : CL_DEVICE_TYPE_GPU},
        {CL_DEVICE_GLOBAL_MEM_SIZE, gpu->memory},
        {CL_DEVICE_MAX_MEM_ALLOC_SIZE, gpu->allocation},
        {CL_DEVICE_LOCAL_MEM_SIZE, gpu->local},
        {CL_DEVICE_MAX_WORK_GROUP_SIZE, gpu->work_group},
        {CL_DEVICE_SINGLE_FP_CONFIG, (gpu->no_fma ? 0 : CL_FP_FMA) | CL_FP_ROUND_TO_NEAREST | CL_FP_INF_NAN},
        {CL_DEVICE_DOUBLE_FP_CONFIG,
         gpu->has_double ? CL_FP_FMA | CL_FP_ROUND_TO_NEAREST | CL_FP_INF_NAN | CL_FP_DENORM : 0},
    };
    for (size_t i = 0; i < COUNT(numbers); i++)
        if (numbers[i].what == what) {
            *number = numbers[i].value;
            return true;
        }
    return false;
}

bool pretend_answer(const pretend_gpu *gpu, cl_device_info what, size_t size, void *value, size_t *needed,
                    cl_int *status)
{
    const struct {
        cl_device_info what;
        const char *text;
    } texts[] = {{CL_DEVICE_VENDOR, gpu->vendor},
                 {CL_DEVICE_NAME, gpu->name},
                 {CL_DEVICE_VERSION, gpu->opencl},
                 {CL_DEVICE_PROFILE, gpu->profile},
                 {CL_DEVICE_EXTENSIONS, gpu->extensions}};
    for (size_t i = 0; i < COUNT(texts); i++)
        if (texts[i].what == what && texts[i].text) {
            *status = answer_bytes(texts[i].text, strlen(texts[i].text) + 1, size, value, needed);
            return true;
        }
    const size_t items[] = {pretend_items(gpu, 0), pretend_items(gpu, 1), pretend_items(gpu, 2)};
    const size_t sub_groups[] = {gpu->lanes, 16, 32}, skipped = gpu->lanes == sub_groups[1];
    cl_uint word;
    uint64_t number;
    if (what == CL_DEVICE_MAX_WORK_ITEM_SIZES)
        *status = answer_bytes(items, sizeof items, size, value, needed);
    else if (what == INTEL_SUB_GROUP_SIZES && strstr(gpu->extensions, "cl_intel_required"))
        *status = answer_bytes(sub_groups + skipped, sizeof sub_groups - skipped * sizeof *sub_groups, size,
                               value, needed);
    else if (answer_word(gpu, what, &word))
        *status = answer_bytes(&word, sizeof word, size, value, needed);
    else if (answer_long(gpu, what, &number))
        *status = answer_bytes(&number, sizeof number, size, value, needed);
    else
        return false;
    return true;
}
