// SPDX-License-Identifier: Apache-2.0
// Opens the Vulkan loader, creates the instance and lists its devices. See instance.h.
#include "engine/gpu/instance.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/stringbuf.h"
#include "engine/gpu/instance_private.h"

static const char no_loader[] =
    "no Vulkan loader is installed; install it with your system's packages (Debian and Ubuntu: "
    "apt install libvulkan1 mesa-vulkan-drivers) or with your GPU's driver";
static const char no_device[] =
    "the Vulkan loader finds no device; install your GPU's Vulkan driver, or Mesa's CPU driver "
    "(Debian and Ubuntu: apt install mesa-vulkan-drivers)";

bool lw_fail_vulkan(struct lw_error *error, const char *action, VkResult result)
{
    switch (result) {
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
        return lw_fail(error, LW_NO_RESOURCE, "%s: the device is out of memory", action);
    case VK_ERROR_OUT_OF_HOST_MEMORY:
        return lw_fail(error, LW_NO_RESOURCE, "%s: the driver is out of host memory", action);
    case VK_ERROR_DEVICE_LOST:
        return lw_fail(error, LW_FAILED,
            "%s: the device was lost: it hung, or its driver reset it. Start again; if that "
            "repeats, update the driver, and look for overheating or overclocking",
            action);
    default:
        return lw_fail(error, LW_FAILED, "%s: the driver answers VkResult %d", action, (int)result);
    }
}

static VKAPI_ATTR VkBool32 VKAPI_CALL receive_message(
    VkDebugUtilsMessageSeverityFlagBitsEXT severity, VkDebugUtilsMessageTypeFlagsEXT type,
    const VkDebugUtilsMessengerCallbackDataEXT *data, void *context)
{
    (void)severity;
    (void)type;
    struct lw_instance *instance = context;
    atomic_fetch_add(&instance->message_count, 1);
    lw_log(instance->log, LW_LOG_WARNING, "Vulkan validation: %s", data->pMessage);
    return VK_FALSE;
}

static bool load_global(struct lw_instance *instance, struct lw_error *error)
{
    static const char *const names[] = {
#if defined(_WIN32)
        "vulkan-1.dll",
#elif defined(__APPLE__)
        "libvulkan.1.dylib",
#else
        "libvulkan.so.1",
        "libvulkan.so",
#endif
        NULL
    };
    instance->library = lw_library_open(names, NULL);
    if (!instance->library) {
        return lw_fail(error, LW_NO_RESOURCE, "%s", no_loader);
    }
    struct lw_vulkan_global *global = &instance->global;
    lw_symbol entry = lw_library_symbol(instance->library, "vkGetInstanceProcAddr");
    if (!entry) {
        return lw_fail(error, LW_NO_RESOURCE, "%s", no_loader);
    }
    memcpy(&global->GetInstanceProcAddr, &entry, sizeof entry);
#define LOAD(name)                                                                                 \
    global->name = (PFN_vk##name)global->GetInstanceProcAddr(NULL, "vk" #name);                    \
    if (!global->name) {                                                                           \
        return lw_fail(error, LW_NO_RESOURCE,                                                      \
            "the Vulkan loader is too old (no vk" #name "); "                                      \
            "install a newer one");                                                                \
    }
    LW_VULKAN_GLOBAL(LOAD)
#undef LOAD
    return true;
}

static bool has_validation_layer(const struct lw_instance *instance)
{
    VkLayerProperties layers[64];
    uint32_t count = 64;
    instance->global.EnumerateInstanceLayerProperties(&count, layers);
    for (uint32_t i = 0; i < count; i++) {
        if (!strcmp(layers[i].layerName, "VK_LAYER_KHRONOS_validation")) {
            return true;
        }
    }
    return false;
}

static bool create_handle(struct lw_instance *instance, bool validation, struct lw_error *error)
{
    static const char *const layers[] = {"VK_LAYER_KHRONOS_validation"};
    static const char *const extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
    static const VkValidationFeatureEnableEXT enabled[] = {
        VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
    if (validation && !has_validation_layer(instance)) {
        return lw_fail(error, LW_NO_RESOURCE,
            "the Vulkan validation layer is not installed (Debian and Ubuntu: apt install "
            "vulkan-validationlayers)");
    }
    VkDebugUtilsMessengerCreateInfoEXT messenger = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                           VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = receive_message,
        .pUserData = instance};
    VkValidationFeaturesEXT features = {.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
        .pNext = &messenger,
        .enabledValidationFeatureCount = 1,
        .pEnabledValidationFeatures = enabled};
    VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pApplicationName = "lewin",
        .apiVersion = VK_API_VERSION_1_3};
    VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pNext = validation ? &features : NULL,
        .pApplicationInfo = &application,
        .enabledLayerCount = validation ? 1 : 0,
        .ppEnabledLayerNames = layers,
        .enabledExtensionCount = validation ? 1 : 0,
        .ppEnabledExtensionNames = extensions};
    VkResult result = instance->global.CreateInstance(&info, NULL, &instance->handle);
    if (result == VK_ERROR_INCOMPATIBLE_DRIVER) {
        return lw_fail(error, LW_NO_RESOURCE, "%s", no_device);
    }
    if (result != VK_SUCCESS) {
        return lw_fail_vulkan(error, "creating the Vulkan instance", result);
    }
#define LOAD(name)                                                                                 \
    instance->vulkan.name =                                                                        \
        (PFN_vk##name)instance->global.GetInstanceProcAddr(instance->handle, "vk" #name);
    LW_VULKAN_INSTANCE(LOAD)
#undef LOAD
    if (validation) {
        PFN_vkVoidFunction create = instance->global.GetInstanceProcAddr(
            instance->handle, "vkCreateDebugUtilsMessengerEXT");
        PFN_vkVoidFunction destroy = instance->global.GetInstanceProcAddr(
            instance->handle, "vkDestroyDebugUtilsMessengerEXT");
        instance->vulkan.CreateDebugUtilsMessenger = (PFN_vkCreateDebugUtilsMessengerEXT)create;
        instance->vulkan.DestroyDebugUtilsMessenger = (PFN_vkDestroyDebugUtilsMessengerEXT)destroy;
        result = instance->vulkan.CreateDebugUtilsMessenger(
            instance->handle, &messenger, NULL, &instance->messenger);
        if (result != VK_SUCCESS) {
            return lw_fail_vulkan(error, "creating the validation messenger", result);
        }
    }
    return true;
}

static int compare_devices(const void *left_pointer, const void *right_pointer)
{
    const struct lw_physical_device *left = left_pointer, *right = right_pointer;
    bool left_usable = !left->caps.unusable[0], right_usable = !right->caps.unusable[0];
    if (left_usable != right_usable) {
        return left_usable ? -1 : 1;
    }
    static const int rank[] = {[LW_DEVICE_DISCRETE] = 0,
        [LW_DEVICE_INTEGRATED] = 1,
        [LW_DEVICE_OTHER] = 2,
        [LW_DEVICE_CPU] = 3};
    if (left->caps.kind != right->caps.kind) {
        return rank[left->caps.kind] - rank[right->caps.kind];
    }
    if (left->caps.memory_total != right->caps.memory_total) {
        return left->caps.memory_total > right->caps.memory_total ? -1 : 1;
    }
    return 0;
}

static bool list_devices(struct lw_instance *instance, struct lw_error *error)
{
    VkPhysicalDevice handles[64];
    uint32_t count = 64;
    VkResult result = instance->vulkan.EnumeratePhysicalDevices(instance->handle, &count, handles);
    if ((result != VK_SUCCESS && result != VK_INCOMPLETE) || count == 0) {
        return lw_fail(error, LW_NO_RESOURCE, "%s", no_device);
    }
    instance->devices = lw_calloc(count, sizeof *instance->devices, error);
    if (!instance->devices) {
        return false;
    }
    instance->device_count = count;
    for (uint32_t i = 0; i < count; i++) {
        instance->devices[i].handle = handles[i];
        lw_caps_measure(instance, &instance->devices[i]);
    }
    qsort(instance->devices, count, sizeof *instance->devices, compare_devices);
    return true;
}

bool lw_instance_create(
    struct lw_instance **out, const struct lw_instance_params *params, struct lw_error *error)
{
    *out = NULL;
    struct lw_instance *instance = lw_calloc(1, sizeof *instance, error);
    if (!instance) {
        return false;
    }
    instance->log = params->log;
    if (!load_global(instance, error) || !create_handle(instance, params->validation, error) ||
        !list_devices(instance, error)) {
        lw_instance_destroy(instance);
        return false;
    }
    *out = instance;
    return true;
}

void lw_instance_destroy(struct lw_instance *instance)
{
    if (!instance) {
        return;
    }
    if (instance->messenger) {
        instance->vulkan.DestroyDebugUtilsMessenger(instance->handle, instance->messenger, NULL);
    }
    if (instance->handle && instance->vulkan.DestroyInstance) {
        instance->vulkan.DestroyInstance(instance->handle, NULL);
    }
    lw_library_close(instance->library);
    lw_free(instance->devices);
    lw_free(instance);
}

size_t lw_instance_device_count(const struct lw_instance *instance)
{
    return instance->device_count;
}

const struct lw_caps *lw_instance_caps(const struct lw_instance *instance, size_t index)
{
    return &instance->devices[index].caps;
}

static bool contains_ignoring_case(const char *text, const char *part)
{
    for (; *text; text++) {
        size_t i = 0;
        while (part[i] && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i])) {
            i++;
        }
        if (!part[i]) {
            return true;
        }
    }
    return false;
}

static bool fail_selection(
    const struct lw_instance *instance, const char *selector, struct lw_error *error)
{
    struct lw_string choices = {0};
    for (size_t i = 0; i < instance->device_count; i++) {
        lw_string_addf(
            &choices, NULL, "%s%zu: %s", i ? ", " : "", i, instance->devices[i].caps.name);
    }
    lw_fail(error, LW_USAGE, "no device is named or numbered \"%s\"; there are: %s", selector,
        lw_string_text(&choices));
    lw_string_free(&choices);
    return false;
}

bool lw_instance_select(
    const struct lw_instance *instance, const char *selector, size_t *index, struct lw_error *error)
{
    size_t found = instance->device_count;
    if (!selector || !*selector) {
        found = 0;
    } else if (selector[strspn(selector, "0123456789")] == 0) {
        found = strtoul(selector, NULL, 10);
    } else {
        for (size_t i = instance->device_count; i-- > 0;) {
            if (contains_ignoring_case(instance->devices[i].caps.name, selector)) {
                found = i;
            }
        }
    }
    if (found >= instance->device_count) {
        return fail_selection(instance, selector, error);
    }
    const struct lw_caps *caps = &instance->devices[found].caps;
    if (caps->unusable[0]) {
        return lw_fail(error, LW_NO_RESOURCE,
            "device %zu (%s) cannot be used: %s; update its "
            "driver or choose another device",
            found, caps->name, caps->unusable);
    }
    *index = found;
    return true;
}

unsigned lw_instance_message_count(const struct lw_instance *instance)
{
    return atomic_load(&instance->message_count);
}
