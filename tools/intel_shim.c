// SPDX-License-Identifier: Apache-2.0
// An Intel GPU that is not there, for tools/compile_check.sh: loaded with LD_PRELOAD it lists one for
// Mesa's ANV and answers what ANV asks of xe, the kernel's driver, so that ANV compiles for it. Work
// that is submitted is done at once, that is, never. INTEL_GPU_ID names the GPU: dg2 (as without),
// bmg, lnl or ptl. No other GPU can be used by a program that runs with this.
#define _GNU_SOURCE
#include <drm/xe_drm.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xf86drm.h>

#define PAGE ((uint64_t)64 << 10)
#define REGION_SIZE ((uint64_t)16 << 30)
#define HARDWARE_THREADS_PER_ENGINE 15u // key of the table that the GPU's firmware keeps

struct gpu {
    const char *name;
    uint16_t device;      // of PCI
    uint8_t cores;        // Xe cores
    uint8_t core_engines; // vector engines of a core: 16 of 8 lanes, or 8 of 16
    bool own_memory;
};

static const struct gpu gpus[] = {
    {"dg2", 0x56a0, 32, 16, true}, // Arc A770
    {"bmg", 0xe20b, 20, 8, true},  // Arc B580
    {"lnl", 0x64a0, 8, 8, false},  // Lunar Lake
    {"ptl", 0xb080, 12, 8, false}, // Panther Lake
};

static const struct gpu *find_gpu(void)
{
    const char *name = getenv("INTEL_GPU_ID");
    for (size_t i = 0; i < sizeof gpus / sizeof *gpus; i++) {
        if (!name || !strcmp(gpus[i].name, name)) {
            return &gpus[i];
        }
    }
    return NULL;
}

// What stands for the device's node: a file in memory, whose parts are the memory of its buffers, so
// that they are mapped as those of a device are.
static int open_node(void)
{
    static int node = -1;
    if (node < 0) {
        node = memfd_create("intel_shim", MFD_CLOEXEC);
    }
    return node;
}

int drmGetDevices2(uint32_t flags, drmDevicePtr devices[], int max_devices)
{
    // One block with the device first, as drmFreeDevices expects.
    struct block {
        drmDevice device;
        drmPciBusInfo bus;
        drmPciDeviceInfo pci;
        char *nodes[DRM_NODE_MAX];
        char path[32];
    };
    (void)flags;
    const struct gpu *gpu = find_gpu();
    if (!gpu || (devices && max_devices < 1)) {
        return 0;
    }
    if (!devices) {
        return 1;
    }
    struct block *block = calloc(1, sizeof *block);
    if (!block) {
        return -ENOMEM;
    }
    snprintf(block->path, sizeof block->path, "/proc/self/fd/%d", open_node());
    block->pci = (drmPciDeviceInfo){.vendor_id = 0x8086, .device_id = gpu->device};
    block->nodes[DRM_NODE_PRIMARY] = block->nodes[DRM_NODE_RENDER] = block->path;
    block->device = (drmDevice){.nodes = block->nodes,
        .available_nodes = 1 << DRM_NODE_PRIMARY | 1 << DRM_NODE_RENDER,
        .bustype = DRM_BUS_PCI,
        .businfo.pci = &block->bus,
        .deviceinfo.pci = &block->pci};
    devices[0] = &block->device;
    return 1;
}

int drmGetDevice2(int fd, uint32_t flags, drmDevicePtr *device)
{
    (void)fd;
    return drmGetDevices2(flags, device, 1) == 1 ? 0 : -ENODEV;
}

// Tells the size where that is asked for, else copies the answer.
static int give(struct drm_xe_device_query *query, const void *answer, size_t size)
{
    if (query->size) {
        memcpy((void *)(uintptr_t)query->data, answer, size);
    }
    query->size = (uint32_t)size;
    return 0;
}

static int query_engines(struct drm_xe_device_query *query)
{
    struct {
        struct drm_xe_query_engines head;
        struct drm_xe_engine engines[2];
    } answer = {.head.num_engines = 2,
        .engines = {{.instance.engine_class = DRM_XE_ENGINE_CLASS_RENDER},
            {.instance.engine_class = DRM_XE_ENGINE_CLASS_COMPUTE}}};
    return give(query, &answer, sizeof answer);
}

static int query_memory(struct drm_xe_device_query *query, const struct gpu *gpu)
{
    struct {
        struct drm_xe_query_mem_regions head;
        struct drm_xe_mem_region regions[2];
    } answer = {.head.num_mem_regions = gpu->own_memory ? 2 : 1,
        .regions = {{.mem_class = DRM_XE_MEM_REGION_CLASS_SYSMEM,
                        .min_page_size = 4096,
                        .total_size = REGION_SIZE},
            {.mem_class = DRM_XE_MEM_REGION_CLASS_VRAM,
                .instance = 1,
                .min_page_size = PAGE,
                .total_size = REGION_SIZE,
                .cpu_visible_size = REGION_SIZE}}};
    return give(query, &answer, sizeof answer);
}

static int query_config(struct drm_xe_device_query *query, const struct gpu *gpu)
{
    struct {
        struct drm_xe_query_config head;
        uint64_t info[DRM_XE_QUERY_CONFIG_MAX_EXEC_QUEUE_PRIORITY + 1];
    } answer = {.head.num_params = DRM_XE_QUERY_CONFIG_MAX_EXEC_QUEUE_PRIORITY + 1,
        .info = {[DRM_XE_QUERY_CONFIG_REV_AND_DEVICE_ID] = gpu->device,
            [DRM_XE_QUERY_CONFIG_FLAGS] = gpu->own_memory ? DRM_XE_QUERY_CONFIG_FLAG_HAS_VRAM : 0,
            [DRM_XE_QUERY_CONFIG_MIN_ALIGNMENT] = PAGE,
            [DRM_XE_QUERY_CONFIG_VA_BITS] = 48}};
    return give(query, &answer, sizeof answer);
}

static int query_units(struct drm_xe_device_query *query, const struct gpu *gpu)
{
    struct {
        struct drm_xe_query_gt_list head;
        struct drm_xe_gt units[1];
    } answer = {.head.num_gt = 1,
        .units = {{.type = DRM_XE_QUERY_GT_TYPE_MAIN,
            .reference_clock = 19200000,
            .near_mem_regions = gpu->own_memory ? 2 : 1}}};
    return give(query, &answer, sizeof answer);
}

static int query_topology(struct drm_xe_device_query *query, const struct gpu *gpu)
{
    uint64_t cores = ((uint64_t)1 << gpu->cores) - 1;
    uint64_t engines = ((uint64_t)1 << gpu->core_engines) - 1, banks = 0xff;
    bool wide = gpu->core_engines == 8;
    struct {
        struct drm_xe_query_topology_mask head;
        uint64_t mask;
    } answer[] = {{{.type = DRM_XE_TOPO_DSS_GEOMETRY, .num_bytes = 8}, cores},
        {{.type = DRM_XE_TOPO_DSS_COMPUTE, .num_bytes = 8}, cores},
        {{.type = DRM_XE_TOPO_L3_BANK, .num_bytes = 8}, banks},
        {{.type = wide ? DRM_XE_TOPO_SIMD16_EU_PER_DSS : DRM_XE_TOPO_EU_PER_DSS, .num_bytes = 8},
            engines}};
    return give(query, answer, sizeof answer);
}

// What the GPU's firmware knows of it; ANV wants a table, however short.
static int query_hardware(struct drm_xe_device_query *query)
{
    const uint32_t answer[] = {HARDWARE_THREADS_PER_ENGINE, 1, 8}; // key, values, value
    return give(query, answer, sizeof answer);
}

static int answer_query(struct drm_xe_device_query *query)
{
    const struct gpu *gpu = find_gpu();
    switch (query->query) {
    case DRM_XE_DEVICE_QUERY_ENGINES:
        return query_engines(query);
    case DRM_XE_DEVICE_QUERY_MEM_REGIONS:
        return query_memory(query, gpu);
    case DRM_XE_DEVICE_QUERY_CONFIG:
        return query_config(query, gpu);
    case DRM_XE_DEVICE_QUERY_GT_LIST:
        return query_units(query, gpu);
    case DRM_XE_DEVICE_QUERY_HWCONFIG:
        return query_hardware(query);
    case DRM_XE_DEVICE_QUERY_GT_TOPOLOGY:
        return query_topology(query, gpu);
    default:
        return EINVAL; // as of a kernel that does not know it
    }
}

static int answer_version(struct drm_version *version)
{
    static const char name[] = "xe";
    if (version->name && version->name_len >= strlen(name)) {
        memcpy(version->name, name, strlen(name));
    }
    version->name_len = strlen(name);
    version->date_len = version->desc_len = 0;
    version->version_major = 1;
    return 0;
}

// The number of a buffer is that of its first page in the node's file.
static int create_buffer(struct drm_xe_gem_create *buffer)
{
    static atomic_uint_fast64_t next_page = 1;
    uint64_t pages = (buffer->size + PAGE - 1) / PAGE;
    uint64_t first = atomic_fetch_add(&next_page, pages);
    buffer->handle = (uint32_t)first;
    return ftruncate(open_node(), (off_t)((first + pages) * PAGE)) ? errno : 0;
}

// 0 or an error's number. What is not listed changes nothing and succeeds.
static int answer(unsigned long request, void *data)
{
    static atomic_uint last; // number given to something that is only ever named by it
    switch (request) {
    case DRM_IOCTL_VERSION:
        return answer_version(data);
    case DRM_IOCTL_GET_CAP:
        ((struct drm_get_cap *)data)->value = 1;
        return 0;
    case DRM_IOCTL_SYNCOBJ_CREATE:
        ((struct drm_syncobj_create *)data)->handle = ++last;
        return 0;
    case DRM_IOCTL_XE_DEVICE_QUERY:
        return answer_query(data);
    case DRM_IOCTL_XE_VM_CREATE:
        ((struct drm_xe_vm_create *)data)->vm_id = ++last;
        return 0;
    case DRM_IOCTL_XE_EXEC_QUEUE_CREATE:
        ((struct drm_xe_exec_queue_create *)data)->exec_queue_id = ++last;
        return 0;
    case DRM_IOCTL_XE_GEM_CREATE:
        return create_buffer(data);
    case DRM_IOCTL_XE_GEM_MMAP_OFFSET: {
        struct drm_xe_gem_mmap_offset *map = data;
        map->offset = map->handle * PAGE;
        return 0;
    }
    default:
        return 0;
    }
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    void *data = va_arg(arguments, void *);
    va_end(arguments);
    if (_IOC_TYPE(request) != DRM_IOCTL_BASE) {
        return (int)syscall(SYS_ioctl, fd, request, data);
    }
    int error = answer(request, data);
    errno = error ? error : errno;
    return error ? -1 : 0;
}
