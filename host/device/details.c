/* Extensions, driver files, and names that do not change between driver versions. */
#include "details.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *rncl_device_extensions(const rncl_device *device)
{
    size_t size = 0;
    if (clGetDeviceInfo(device->id, CL_DEVICE_EXTENSIONS, 0, NULL, &size) != CL_SUCCESS || size == 0)
        return NULL;
    char *text = malloc(size);
    if (text && clGetDeviceInfo(device->id, CL_DEVICE_EXTENSIONS, size, text, NULL) != CL_SUCCESS) {
        free(text);
        return NULL;
    }
    return text;
}

static bool comes_from_a_loader(const rncl_device *device)
{
    char extensions[4096] = "";
    clGetPlatformInfo(device->platform, CL_PLATFORM_EXTENSIONS, sizeof extensions, extensions, NULL);
    return strstr(extensions, "cl_khr_icd") != NULL;
}

/* Every driver behind an ICD loader exports a function by cl_khr_icd; the library that contains it is the
 * driver. Oclgrind's hides it. By the same extension a platform begins with its table of functions. */
const char *rncl_device_driver_file(const rncl_device *device)
{
    Dl_info found;
    const void *function =
        clGetExtensionFunctionAddressForPlatform(device->platform, "clIcdGetPlatformIDsKHR");
    if (!function && comes_from_a_loader(device)) {
        const void *const *const *table = (const void *const *const *)device->platform;
        function = *table ? **table : NULL;
    }
    if (!function || !dladdr(function, &found) || !found.dli_fname)
        return NULL;
    return found.dli_fname;
}

void rncl_device_stable_name(const char *name, char *stable, size_t size)
{
    static const char newer[] = "cpu-", older[] = "pthread-";
    const bool renamed = strncmp(name, newer, strlen(newer)) == 0;
    char text[sizeof((rncl_device_info *)NULL)->name + sizeof older];
    snprintf(text, sizeof text, "%s%s", renamed ? older : "", renamed ? name + strlen(newer) : name);
    snprintf(stable, size, "%s", text);
}
