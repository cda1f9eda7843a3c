/* The one place that knows vendors' and products' names. Attributes come first, since names change with
 * drivers. */
#include "gpu_family.h"

#include <CL/cl_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cl_error.h"
#include "util.h"

static const char *const family_names[RNCL_GPU_FAMILIES] = {
    [RNCL_GPU_OTHER] = "unknown",       [RNCL_GPU_NVIDIA] = "NVIDIA",
    [RNCL_GPU_GCN] = "AMD GCN",         [RNCL_GPU_CDNA] = "AMD CDNA",
    [RNCL_GPU_RDNA] = "AMD RDNA",       [RNCL_GPU_INTEL_GEN] = "Intel up to generation 11",
    [RNCL_GPU_XE_LP] = "Intel Xe-LP",   [RNCL_GPU_XE_HPG] = "Intel Xe-HPG",
    [RNCL_GPU_XE_HPC] = "Intel Xe-HPC", [RNCL_GPU_APPLE] = "Apple",
    [RNCL_GPU_MALI] = "ARM Mali",       [RNCL_GPU_ADRENO] = "Qualcomm Adreno",
};

const char *rncl_gpu_family_name(rncl_gpu_family family)
{
    return family_names[family];
}

typedef struct name_part {
    const char *part; /* in any case */
    rncl_gpu_family family;
} name_part;

/* Beginnings of the vendor's name, with a family of each vendor. Vendors' own drivers and Mesa's differ. */
static const name_part vendors[] = {
    {"NVIDIA", RNCL_GPU_NVIDIA},    {"nouveau", RNCL_GPU_NVIDIA},
    {"AMD", RNCL_GPU_RDNA},         {"Advanced Micro Devices", RNCL_GPU_RDNA},
    {"Intel", RNCL_GPU_INTEL_GEN},  {"Apple", RNCL_GPU_APPLE},
    {"ARM", RNCL_GPU_MALI},         {"QUALCOMM", RNCL_GPU_ADRENO},
    {"freedreno", RNCL_GPU_ADRENO},
};

/* AMD's chips by parts of device names without a gfx number, as Mesa and AMD's older drivers have them. All
 * of GCN is known; what is not here is newer. */
static const name_part amd_chips[] = {
    {"MI100", RNCL_GPU_CDNA},   {"MI200", RNCL_GPU_CDNA},  {"MI210", RNCL_GPU_CDNA},
    {"MI250", RNCL_GPU_CDNA},   {"MI300", RNCL_GPU_CDNA},  {"MI325", RNCL_GPU_CDNA},
    {"MI350", RNCL_GPU_CDNA},   {"MI355", RNCL_GPU_CDNA},  {"Tahiti", RNCL_GPU_GCN},
    {"Pitcairn", RNCL_GPU_GCN}, {"Verde", RNCL_GPU_GCN},   {"Oland", RNCL_GPU_GCN},
    {"Hainan", RNCL_GPU_GCN},   {"Bonaire", RNCL_GPU_GCN}, {"Hawaii", RNCL_GPU_GCN},
    {"Kaveri", RNCL_GPU_GCN},   {"Kabini", RNCL_GPU_GCN},  {"Mullins", RNCL_GPU_GCN},
    {"Spectre", RNCL_GPU_GCN},  {"Spooky", RNCL_GPU_GCN},  {"Kalindi", RNCL_GPU_GCN},
    {"Tonga", RNCL_GPU_GCN},    {"Iceland", RNCL_GPU_GCN}, {"Topaz", RNCL_GPU_GCN},
    {"Carrizo", RNCL_GPU_GCN},  {"Fiji", RNCL_GPU_GCN},    {"Stoney", RNCL_GPU_GCN},
    {"Polaris", RNCL_GPU_GCN},  {"Baffin", RNCL_GPU_GCN},  {"Ellesmere", RNCL_GPU_GCN},
    {"Vega", RNCL_GPU_GCN},     {"Raven", RNCL_GPU_GCN},   {"Picasso", RNCL_GPU_GCN},
    {"Renoir", RNCL_GPU_GCN},
};

/* Intel's by parts of device names, the first that fits; Mesa has code names in parentheses. What is not
 * here is older. */
static const name_part intel_chips[] = {
    {"GPU Max", RNCL_GPU_XE_HPC},       {"(BMG", RNCL_GPU_XE_HPC},       {"(LNL", RNCL_GPU_XE_HPC},
    {"(PTL", RNCL_GPU_XE_HPC},          {"Arc(TM) B", RNCL_GPU_XE_HPC},  {"Arc(TM) Pro B", RNCL_GPU_XE_HPC},
    {"140V", RNCL_GPU_XE_HPC},          {"130V", RNCL_GPU_XE_HPC},       {"Arc", RNCL_GPU_XE_HPG},
    {"GPU Flex", RNCL_GPU_XE_HPG},      {"(DG2", RNCL_GPU_XE_HPG},       {"(MTL", RNCL_GPU_XE_HPG},
    {"(ARL", RNCL_GPU_XE_HPG},          {"(TGL", RNCL_GPU_XE_LP},        {"(RKL", RNCL_GPU_XE_LP},
    {"(ADL", RNCL_GPU_XE_LP},           {"(RPL", RNCL_GPU_XE_LP},        {"(DG1", RNCL_GPU_XE_LP},
    {"Graphics Xe", RNCL_GPU_XE_LP},    {"Xe Graphics", RNCL_GPU_XE_LP}, {"Xe MAX", RNCL_GPU_XE_LP},
    {"UHD Graphics 7", RNCL_GPU_XE_LP},
};

static bool begins_with(const char *text, const char *start)
{
    return strncasecmp(text, start, strlen(start)) == 0;
}

static rncl_gpu_family find_part(const char *name, const name_part *parts, size_t count,
                                 rncl_gpu_family otherwise)
{
    for (size_t i = 0; i < count; i++)
        if (strcasestr(name, parts[i].part))
            return parts[i].family;
    return otherwise;
}

static rncl_gpu_family vendor_family(const char *vendor)
{
    for (size_t i = 0; i < COUNT(vendors); i++)
        if (begins_with(vendor, vendors[i].part))
            return vendors[i].family;
    return RNCL_GPU_OTHER;
}

/* "gfx90a:sramecc+" is 9, 0, 10: the last two digits are hexadecimal. False if the name has no such number.
 */
static bool parse_gfx(const char *name, rncl_gpu *gpu)
{
    const char *at = strcasestr(name, "gfx");
    if (!at)
        return false;
    at += strlen("gfx");
    const size_t digits = strspn(at, "0123456789abcdef");
    char major[8] = "", minor[2] = "", stepping[2] = "";
    if (digits < 3 || digits - 2 >= sizeof major)
        return false;
    memcpy(major, at, digits - 2);
    minor[0] = at[digits - 2];
    stepping[0] = at[digits - 1];
    gpu->major = (unsigned)strtoul(major, NULL, 10);
    gpu->minor = (unsigned)strtoul(minor, NULL, 16);
    gpu->stepping = (unsigned)strtoul(stepping, NULL, 16);
    return true;
}

static rncl_gpu_family gfx_family(const rncl_gpu *gpu)
{
    if (gpu->major >= 10)
        return RNCL_GPU_RDNA;
    const bool matrix_units = gpu->minor >= 4 || gpu->stepping == 8 || gpu->stepping == 10;
    return gpu->major == 9 && matrix_units ? RNCL_GPU_CDNA : RNCL_GPU_GCN;
}

static void describe_amd(const rncl_gpu_answers *a, rncl_gpu *gpu)
{
    if (parse_gfx(a->name, gpu)) {
        gpu->family = gfx_family(gpu);
    } else {
        gpu->family = find_part(a->name, amd_chips, COUNT(amd_chips), RNCL_GPU_RDNA);
        gpu->major = a->gfx_major;
        gpu->minor = a->gfx_minor;
        if (gpu->major > 0 && gpu->family != RNCL_GPU_CDNA)
            gpu->family = gfx_family(gpu);
    }
    gpu->sub_group = a->wavefront ? a->wavefront : gpu->family == RNCL_GPU_RDNA ? 32 : 64;
}

/* Bits 31 to 22 are the major, 21 to 14 the minor version. Drivers before 2023 have 31 to 16 and 15 to 8, and
 * count 12.7 for Xe-HPG and 12.8 for Xe-HPC. */
static rncl_gpu_family ip_family(uint32_t version, rncl_gpu *gpu)
{
    const bool older = version < 1u << 22;
    gpu->major = version >> (older ? 16 : 22);
    gpu->minor = version >> (older ? 8 : 14) & 0xff;
    if (gpu->major < 12)
        return RNCL_GPU_INTEL_GEN;
    if (gpu->major > 12)
        return RNCL_GPU_XE_HPC;
    if (older)
        gpu->minor = gpu->minor == 7 ? 55 : gpu->minor == 8 ? 60 : gpu->minor;
    if (gpu->minor < 50)
        return RNCL_GPU_XE_LP;
    return gpu->minor == 60 || gpu->minor == 61 ? RNCL_GPU_XE_HPC : RNCL_GPU_XE_HPG;
}

/* Mesa calls the vendor "Intel" and counts cores; Intel's own driver counts their execution units. */
static void describe_intel(const rncl_gpu_answers *a, rncl_gpu *gpu)
{
    gpu->family = a->ip_version ? ip_family(a->ip_version, gpu)
                                : find_part(a->name, intel_chips, COUNT(intel_chips), RNCL_GPU_INTEL_GEN);
    gpu->sub_group = gpu->family == RNCL_GPU_XE_HPC ? 16 : 8;
    const bool large = gpu->family == RNCL_GPU_XE_LP || gpu->family == RNCL_GPU_XE_HPG;
    if (a->units_per_sub_slice)
        gpu->units_per_core = a->units_per_sub_slice;
    else if (strstr(a->vendor, "Corporation"))
        gpu->units_per_core = large ? 16 : 8;
}

rncl_gpu rncl_gpu_of(const rncl_gpu_answers *answers)
{
    rncl_gpu gpu = {.family = vendor_family(answers->vendor),
                    .sub_group_sizes = answers->sub_group_sizes,
                    .units_per_core = 1};
    switch (gpu.family) {
    case RNCL_GPU_NVIDIA:
        gpu.major = answers->capability_major;
        gpu.minor = answers->capability_minor;
        gpu.watchdog = answers->exec_timeout != 0;
        gpu.sub_group = 32;
        break;
    case RNCL_GPU_RDNA:
        describe_amd(answers, &gpu);
        break;
    case RNCL_GPU_INTEL_GEN:
        describe_intel(answers, &gpu);
        break;
    case RNCL_GPU_APPLE:
        gpu.sub_group = 32;
        break;
    default:
        break;
    }
    return gpu;
}

/* The attributes of one device, until a query fails. */
typedef struct questions {
    cl_device_id id;
    const char *device; /* its name, for messages */
    rncl_status st;
} questions;

/* `size` is that of `answer`, which stays as it is where the driver does not know the attribute. */
static void ask(questions *q, cl_device_info what, const char *name, void *answer, size_t size)
{
    const cl_int error = q->st ? CL_SUCCESS : clGetDeviceInfo(q->id, what, size, answer, NULL);
    if (error && error != CL_INVALID_VALUE)
        q->st = rncl_cl_status(error, "clGetDeviceInfo", "%s, %s", q->device, name);
}

static unsigned ask_number(questions *q, cl_device_info what, const char *name)
{
    cl_uint answer = 0;
    ask(q, what, name, &answer, sizeof answer);
    return answer;
}

#define ASK(q, what) ask_number(q, what, #what)

/* Sum of the sizes that are powers of two. */
static unsigned ask_sub_group_sizes(questions *q)
{
    size_t sizes[16] = {0};
    unsigned sum = 0;
    ask(q, CL_DEVICE_SUB_GROUP_SIZES_INTEL, "CL_DEVICE_SUB_GROUP_SIZES_INTEL", sizes, sizeof sizes);
    for (size_t i = 0; i < COUNT(sizes); i++)
        if (sizes[i] && !(sizes[i] & (sizes[i] - 1)))
            sum |= (unsigned)sizes[i];
    return sum;
}

rncl_status rncl_gpu_query(cl_device_id id, const char *vendor, const char *name, const char *extensions,
                           rncl_gpu *out)
{
    questions q = {.id = id, .device = name};
    rncl_gpu_answers a = {.vendor = vendor, .name = name};
    if (strstr(extensions, "cl_nv_device_attribute_query")) {
        a.capability_major = ASK(&q, CL_DEVICE_COMPUTE_CAPABILITY_MAJOR_NV);
        a.capability_minor = ASK(&q, CL_DEVICE_COMPUTE_CAPABILITY_MINOR_NV);
        a.exec_timeout = ASK(&q, CL_DEVICE_KERNEL_EXEC_TIMEOUT_NV);
    }
    if (strstr(extensions, "cl_amd_device_attribute_query")) {
        a.gfx_major = ASK(&q, CL_DEVICE_GFXIP_MAJOR_AMD);
        a.gfx_minor = ASK(&q, CL_DEVICE_GFXIP_MINOR_AMD);
        a.wavefront = ASK(&q, CL_DEVICE_WAVEFRONT_WIDTH_AMD);
    }
    if (strstr(extensions, "cl_intel_device_attribute_query")) {
        a.ip_version = ASK(&q, CL_DEVICE_IP_VERSION_INTEL);
        a.units_per_sub_slice = ASK(&q, CL_DEVICE_NUM_EUS_PER_SUB_SLICE_INTEL);
    }
    if (strstr(extensions, "cl_intel_required_subgroup_size"))
        a.sub_group_sizes = ask_sub_group_sizes(&q);
    *out = rncl_gpu_of(&a);
    out->emulates_local_memory = ASK(&q, CL_DEVICE_LOCAL_MEM_TYPE) == CL_GLOBAL;
    return q.st;
}
