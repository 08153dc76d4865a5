// SPDX-License-Identifier: Apache-2.0
// See submission.h and usage.h.
#include "engine/gpu/submission.h"

#include <stdio.h>

#include "engine/base/alloc.h"
#include "engine/gpu/device_private.h"

#define SLOTS 1024u      // submissions under way at most: two steps of 32 micro-batches and more
#define REMEMBERED 4096u // submissions whose times are kept

struct slot {
    VkCommandBuffer marks[2]; // write query 2 * slot and the one after; NULL until first used
    const char *name;
    bool counted; // towards the device's usage
    bool begins;  // the gap before it is not counted
};

struct remembered {
    uint64_t ticket;
    double seconds;
};

struct lw_submissions {
    VkQueryPool queries; // two a slot; VK_NULL_HANDLE: the device has no timestamps
    struct slot slots[SLOTS];
    struct remembered remembered[REMEMBERED];
    uint64_t completed; // the last ticket seen done
    uint64_t collected; // the last ticket whose times were read
    uint64_t last_end;  // ticks, of the submission before
    bool counting, begins;
    struct lw_usage usage;
};

bool lw_submissions_create(
    struct lw_submissions **submissions, struct lw_device *device, struct lw_error *error)
{
    *submissions = lw_calloc(1, sizeof **submissions, error);
    if (!*submissions || device->caps.timestamp_period <= 0) {
        return *submissions != NULL;
    }
    VkQueryPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
        .queryType = VK_QUERY_TYPE_TIMESTAMP,
        .queryCount = 2 * SLOTS};
    VkResult result =
        device->vulkan.CreateQueryPool(device->handle, &info, NULL, &(*submissions)->queries);
    return result == VK_SUCCESS || lw_fail_vulkan(error, "creating a query pool", result);
}

void lw_submissions_destroy(struct lw_device *device)
{
    struct lw_submissions *submissions = device->submissions;
    if (submissions) {
        device->vulkan.DestroyQueryPool(device->handle, submissions->queries, NULL);
        lw_free(submissions);
    }
}

static VkResult record_mark(
    struct lw_device *device, uint32_t index, bool end, VkCommandBuffer commands)
{
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    VkQueryPool queries = device->submissions->queries;
    VkResult result = device->vulkan.BeginCommandBuffer(commands, &begin);
    if (result != VK_SUCCESS) {
        return result;
    }
    if (end) {
        device->vulkan.CmdWriteTimestamp(
            commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, queries, 2 * index + 1);
    } else {
        device->vulkan.CmdResetQueryPool(commands, queries, 2 * index, 2);
        device->vulkan.CmdWriteTimestamp(
            commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, queries, 2 * index);
    }
    return device->vulkan.EndCommandBuffer(commands);
}

// The command buffers of a slot; they are freed with the device's pool.
static bool record_marks(struct lw_device *device, uint32_t index, struct lw_error *error)
{
    VkCommandBuffer marks[2];
    VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = device->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 2};
    VkResult result = device->vulkan.AllocateCommandBuffers(device->handle, &info, marks);
    for (uint32_t i = 0; result == VK_SUCCESS && i < 2; i++) {
        result = record_mark(device, index, i == 1, marks[i]);
    }
    if (result != VK_SUCCESS) {
        return lw_fail_vulkan(error, "recording timestamps", result);
    }
    device->submissions->slots[index].marks[0] = marks[0];
    device->submissions->slots[index].marks[1] = marks[1];
    return true;
}

// Ticks from `from` to `to`; negative when `to` is earlier. Only some of the bits count.
static double ticks_between(const struct lw_device *device, uint64_t from, uint64_t to)
{
    unsigned unused = 64 - device->caps.timestamp_bits;
    uint64_t difference = (to - from) << unused;
    bool negative = difference >> 63 != 0;
    uint64_t ticks = (negative ? 0 - difference : difference) >> unused;
    return negative ? -(double)ticks : (double)ticks;
}

static void account(struct lw_device *device, uint64_t ticket, const uint64_t ticks[2])
{
    struct lw_submissions *submissions = device->submissions;
    const struct slot *slot = &submissions->slots[ticket % SLOTS];
    double period = (double)device->caps.timestamp_period * 1e-9;
    double seconds = ticks_between(device, ticks[0], ticks[1]) * period;
    double gap =
        submissions->last_end ? ticks_between(device, submissions->last_end, ticks[0]) * period : 0;
    // The first timestamp may be taken while the submission before is still at work.
    seconds += gap < 0 ? gap : 0;
    seconds = seconds < 0 ? 0 : seconds;
    submissions->last_end = ticks[1];
    submissions->remembered[ticket % REMEMBERED] = (struct remembered){ticket, seconds};
    if (slot->counted) {
        submissions->usage.busy += seconds;
        submissions->usage.idle += gap > 0 && !slot->begins ? gap : 0;
    }
}

// Reads the times of what has ended.
static void collect(struct lw_device *device)
{
    struct lw_submissions *submissions = device->submissions;
    uint64_t completed;
    if (device->vulkan.GetSemaphoreCounterValue(device->handle, device->timeline, &completed) !=
        VK_SUCCESS) {
        return;
    }
    submissions->completed = completed;
    while (submissions->collected < completed) {
        uint64_t ticket = ++submissions->collected, ticks[2];
        if (submissions->queries &&
            device->vulkan.GetQueryPoolResults(device->handle, submissions->queries,
                2 * (uint32_t)(ticket % SLOTS), 2, sizeof ticks, ticks, sizeof *ticks,
                VK_QUERY_RESULT_64_BIT) == VK_SUCCESS) {
            account(device, ticket, ticks);
        }
    }
}

bool lw_submit(
    struct lw_device *device, VkCommandBuffer commands, const char *name, struct lw_error *error)
{
    struct lw_submissions *submissions = device->submissions;
    uint64_t ticket = device->submitted + 1;
    uint32_t index = (uint32_t)(ticket % SLOTS);
    struct slot *slot = &submissions->slots[index];
    if (ticket > SLOTS && submissions->collected < ticket - SLOTS) {
        if (!lw_device_wait(device, ticket - SLOTS, error)) {
            return false;
        }
        collect(device);
    }
    bool timed = submissions->queries != VK_NULL_HANDLE;
    if (timed && !slot->marks[0] && !record_marks(device, index, error)) {
        return false;
    }
    slot->name = name;
    slot->counted = submissions->counting;
    slot->begins = submissions->begins;
    submissions->begins = false;
    VkCommandBuffer all[] = {slot->marks[0], commands, slot->marks[1]};
    VkTimelineSemaphoreSubmitInfo timeline = {
        .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
        .signalSemaphoreValueCount = 1,
        .pSignalSemaphoreValues = &ticket};
    VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .pNext = &timeline,
        .commandBufferCount = timed ? 3 : 1,
        .pCommandBuffers = timed ? all : &commands,
        .signalSemaphoreCount = 1,
        .pSignalSemaphores = &device->timeline};
    VkResult result = device->vulkan.QueueSubmit(device->queue, 1, &info, VK_NULL_HANDLE);
    if (result != VK_SUCCESS) {
        return lw_fail_submission(device, name, result, error);
    }
    device->submitted = ticket;
    return true;
}

bool lw_submission_done(struct lw_device *device, uint64_t ticket)
{
    if (ticket > device->submissions->completed) {
        collect(device);
    }
    return ticket <= device->submissions->completed;
}

void lw_submission_count_wait(struct lw_device *device)
{
    device->submissions->usage.waits += device->submissions->counting;
}

bool lw_submission_seconds(struct lw_device *device, uint64_t ticket, double *seconds)
{
    const struct remembered *remembered = &device->submissions->remembered[ticket % REMEMBERED];
    bool known = lw_submission_done(device, ticket) && remembered->ticket == ticket;
    *seconds = known ? remembered->seconds : 0;
    return known;
}

bool lw_fail_submission(
    struct lw_device *device, const char *action, VkResult result, struct lw_error *error)
{
    if (result != VK_ERROR_DEVICE_LOST) {
        return lw_fail_vulkan(error, action, result);
    }
    collect(device);
    const struct lw_submissions *submissions = device->submissions;
    uint64_t running = submissions->completed + 1;
    if (running <= device->submitted && device->submitted - running < SLOTS) {
        action = submissions->slots[running % SLOTS].name;
    }
    char what[512];
    snprintf(what, sizeof what, "running %s on %s", action, device->caps.name);
    return lw_fail_vulkan(error, what, result);
}

void lw_device_usage_begin(struct lw_device *device)
{
    device->submissions->counting = device->submissions->begins = true;
}

void lw_device_usage_end(struct lw_device *device)
{
    device->submissions->counting = false;
}

struct lw_usage lw_device_usage(struct lw_device *device)
{
    collect(device);
    return device->submissions->usage;
}

double lw_usage_idle_share(const struct lw_usage *usage)
{
    double all = usage->busy + usage->idle;
    return all > 0 ? usage->idle / all : 0;
}
