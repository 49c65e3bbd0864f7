/* A stand-in for NVIDIA's libnvidia-ml.so.1: it tells what a text file says.
 *
 * The file is named by FAKE_NVML and is read again whenever it was replaced. Each line is
 *
 *     WHERE KEY VALUES...
 *
 * WHERE is "*" for the driver, "2" for the GPU of index 2, "2.0" for the first MIG device of
 * that GPU. What has no line is not supported. Keys of the driver: version. Keys of a GPU or
 * MIG device: uuid, name, and those that the functions below look for. A line
 *
 *     WHERE ! FUNCTION error CODE | delay MILLISECONDS | hang
 *
 * makes a call fail, take long, or hang until the line is gone; FUNCTION "*" is every call.
 * A line "2 event SERIAL XID" is an event of GPU 2; each serial is told once. Who waits for events
 * of several GPUs is told of nothing else while that call fails for one of them.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    SUCCESS = 0,
    UNINITIALIZED = 1,
    INVALID = 2,
    NOT_SUPPORTED = 3,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
    TIMEOUT = 10,
    GPU_NOT_FOUND = 28,
};

enum { MOST_GPUS = 16, MOST_MIGS = 8, MOST_LINES = 4096 };

struct device {
    char where[16];
    unsigned sets; /* of events, by bits */
};

struct line {
    const char *where, *key, *rest;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *text;
static struct line lines[MOST_LINES];
static int line_count;
static struct stat read_as;
static int users;
static long last_event;
static unsigned sets;
static struct device driver = {"*", 0};
static struct device gpus[MOST_GPUS];
static struct device migs[MOST_GPUS][MOST_MIGS];

/* Read the file if it is another one than before. The lock is held. */
static void refresh(void) {
    const char *path = getenv("FAKE_NVML");
    struct stat now;
    if (path == NULL || stat(path, &now) != 0)
        return;
    if (text != NULL && now.st_ino == read_as.st_ino && now.st_size == read_as.st_size &&
        now.st_mtim.tv_sec == read_as.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == read_as.st_mtim.tv_nsec)
        return;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return;
    read_as = now;
    free(text);
    text = calloc(1, (size_t)now.st_size + 1);
    if (fread(text, 1, (size_t)now.st_size, file) != (size_t)now.st_size)
        text[0] = 0;
    fclose(file);
    line_count = 0;
    char *next = text, *save = NULL;
    for (char *each = strtok_r(next, "\n", &save); each != NULL && line_count < MOST_LINES;
         each = strtok_r(NULL, "\n", &save)) {
        char *inner = NULL;
        struct line *line = &lines[line_count];
        line->where = strtok_r(each, " ", &inner);
        line->key = strtok_r(NULL, " ", &inner);
        line->rest = strtok_r(NULL, "", &inner);
        if (line->where != NULL && line->key != NULL && line->where[0] != '#') {
            if (line->rest == NULL)
                line->rest = "";
            line_count++;
        }
    }
}

/* Copy what a line says; 0 where there is none. With a function, lines about that call. */
static int look_up(const char *where, const char *key, int number, char *found, size_t size) {
    int seen = 0;
    pthread_mutex_lock(&lock);
    refresh();
    for (int index = 0; index < line_count; index++) {
        if (strcmp(lines[index].where, where) == 0 && strcmp(lines[index].key, key) == 0 &&
            seen++ == number) {
            snprintf(found, size, "%s", lines[index].rest);
            pthread_mutex_unlock(&lock);
            return 1;
        }
    }
    pthread_mutex_unlock(&lock);
    return 0;
}

/* Do what the file says about this call; give the code that it is to return at once. */
static int misbehave(const char *where, const char *function) {
    char said[256], name[128], what[16];
    for (int number = 0; look_up(where, "!", number, said, sizeof said); number++) {
        long value = 0;
        if (sscanf(said, "%127s %15s %ld", name, what, &value) < 2)
            continue;
        if (strcmp(name, function) != 0 && strcmp(name, "*") != 0)
            continue;
        if (strcmp(what, "error") == 0)
            return (int)value;
        if (strcmp(what, "delay") == 0)
            usleep((useconds_t)value * 1000);
        if (strcmp(what, "hang") == 0) {
            usleep(10000);
            number = -1; /* look again, until the line is gone */
        }
    }
    return SUCCESS;
}

static int begin(struct device *device, const char *function) {
    if (users == 0)
        return UNINITIALIZED;
    int code = misbehave("*", function);
    if (code == SUCCESS && device != &driver)
        code = misbehave(device->where, function);
    return code;
}

static int read_numbers(struct device *device, const char *function, const char *key,
                        unsigned long long *first, unsigned long long *second) {
    char said[256];
    int code = begin(device, function);
    if (code != SUCCESS)
        return code;
    if (!look_up(device->where, key, 0, said, sizeof said))
        return NOT_SUPPORTED;
    return sscanf(said, "%llu %llu", first, second) >= 1 ? SUCCESS : INVALID;
}

static int read_unsigned(struct device *device, const char *function, const char *key,
                         unsigned *value) {
    unsigned long long first = 0, second = 0;
    int code = read_numbers(device, function, key, &first, &second);
    *value = (unsigned)first;
    return code;
}

static int read_text(struct device *device, const char *function, const char *key, char *value,
                     unsigned size) {
    int code = begin(device, function);
    if (code != SUCCESS)
        return code;
    return look_up(device->where, key, 0, value, size) ? SUCCESS : NOT_SUPPORTED;
}

/* The system */

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    int code = misbehave("*", "nvmlInitWithFlags");
    if (code == SUCCESS)
        users++;
    return code;
}

int nvmlShutdown(void) {
    if (users == 0)
        return UNINITIALIZED;
    users--;
    return SUCCESS;
}

int nvmlSystemGetDriverVersion(char *version, unsigned size) {
    return read_text(&driver, "nvmlSystemGetDriverVersion", "version", version, size);
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    char where[16], said[256];
    int code = begin(&driver, "nvmlDeviceGetCount_v2");
    *count = 0;
    do
        snprintf(where, sizeof where, "%u", *count);
    while (look_up(where, "uuid", 0, said, sizeof said) && ++*count < MOST_GPUS);
    return code;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct device **device) {
    unsigned count = 0;
    int code = begin(&driver, "nvmlDeviceGetHandleByIndex_v2");
    if (code != SUCCESS)
        return code;
    nvmlDeviceGetCount_v2(&count);
    if (index >= count)
        return INVALID;
    snprintf(gpus[index].where, sizeof gpus[index].where, "%u", index);
    *device = &gpus[index];
    return begin(*device, "nvmlDeviceGetHandleByIndex_v2");
}

/* What a device is */

int nvmlDeviceGetUUID(struct device *device, char *uuid, unsigned size) {
    return read_text(device, "nvmlDeviceGetUUID", "uuid", uuid, size);
}

int nvmlDeviceGetName(struct device *device, char *name, unsigned size) {
    return read_text(device, "nvmlDeviceGetName", "name", name, size);
}

int nvmlDeviceGetGpuInstanceId(struct device *device, unsigned *id) {
    return read_unsigned(device, "nvmlDeviceGetGpuInstanceId", "gpu_instance", id);
}

int nvmlDeviceGetComputeInstanceId(struct device *device, unsigned *id) {
    return read_unsigned(device, "nvmlDeviceGetComputeInstanceId", "compute_instance", id);
}

/* What it does: key "utilization PERCENT", "memory USED TOTAL", and so on */

int nvmlDeviceGetUtilizationRates(struct device *device, unsigned utilization[2]) {
    utilization[1] = 0;
    return read_unsigned(device, "nvmlDeviceGetUtilizationRates", "utilization", utilization);
}

struct memory {
    unsigned long long total, free, used;
};

int nvmlDeviceGetMemoryInfo(struct device *device, struct memory *memory) {
    int code = read_numbers(device, "nvmlDeviceGetMemoryInfo", "memory", &memory->used,
                            &memory->total);
    unsigned long long reserved = 0, none = 0;
    read_numbers(device, "nvmlDeviceGetMemoryInfo", "reserved", &reserved, &none);
    memory->used += reserved;
    memory->free = memory->total - memory->used;
    return code;
}

struct memory_v2 {
    unsigned version;
    unsigned long long total, reserved, free, used;
};

int nvmlDeviceGetMemoryInfo_v2(struct device *device, struct memory_v2 *memory) {
    int code = read_numbers(device, "nvmlDeviceGetMemoryInfo_v2", "memory", &memory->used,
                            &memory->total);
    memory->reserved = 0;
    memory->free = memory->total - memory->used;
    return code;
}

int nvmlDeviceGetTemperature(struct device *device, unsigned sensor, unsigned *celsius) {
    (void)sensor;
    return read_unsigned(device, "nvmlDeviceGetTemperature", "temperature", celsius);
}

int nvmlDeviceGetTemperatureThreshold(struct device *device, unsigned kind, unsigned *celsius) {
    return read_unsigned(device, "nvmlDeviceGetTemperatureThreshold",
                         kind == 1 ? "slowdown_temperature" : "other_temperature", celsius);
}

int nvmlDeviceGetPowerUsage(struct device *device, unsigned *milliwatts) {
    return read_unsigned(device, "nvmlDeviceGetPowerUsage", "power", milliwatts);
}

int nvmlDeviceGetEnforcedPowerLimit(struct device *device, unsigned *milliwatts) {
    return read_unsigned(device, "nvmlDeviceGetEnforcedPowerLimit", "power_limit", milliwatts);
}

int nvmlDeviceGetTotalEnergyConsumption(struct device *device, unsigned long long *millijoules) {
    unsigned long long none = 0;
    return read_numbers(device, "nvmlDeviceGetTotalEnergyConsumption", "energy", millijoules,
                        &none);
}

int nvmlDeviceGetClockInfo(struct device *device, unsigned kind, unsigned *megahertz) {
    static const char *keys[] = {"clock_graphics", "clock_sm", "clock_memory", "clock_video"};
    if (kind > 3)
        return INVALID;
    return read_unsigned(device, "nvmlDeviceGetClockInfo", keys[kind], megahertz);
}

int nvmlDeviceGetCurrentClocksEventReasons(struct device *device, unsigned long long *bits) {
    unsigned long long none = 0;
    return read_numbers(device, "nvmlDeviceGetCurrentClocksEventReasons", "throttle", bits, &none);
}

int nvmlDeviceGetCurrentClocksThrottleReasons(struct device *device, unsigned long long *bits) {
    unsigned long long none = 0;
    return read_numbers(device, "nvmlDeviceGetCurrentClocksThrottleReasons", "throttle", bits,
                        &none);
}

int nvmlDeviceGetPcieThroughput(struct device *device, unsigned counter, unsigned *kilobytes) {
    return read_unsigned(device, "nvmlDeviceGetPcieThroughput",
                         counter == 0 ? "pcie_transmit" : "pcie_receive", kilobytes);
}

int nvmlDeviceGetTotalEccErrors(struct device *device, unsigned kind, unsigned since,
                                unsigned long long *count) {
    unsigned long long none = 0;
    if (since != 0)
        return NOT_SUPPORTED;
    return read_numbers(device, "nvmlDeviceGetTotalEccErrors",
                        kind == 0 ? "ecc_corrected" : "ecc_uncorrected", count, &none);
}

/* MIG: on for a GPU of which there is a line "INDEX mig 1"; its devices are "INDEX.0" and on */

int nvmlDeviceGetMigMode(struct device *device, unsigned *current, unsigned *pending) {
    int code = read_unsigned(device, "nvmlDeviceGetMigMode", "mig", current);
    *pending = *current;
    return code;
}

int nvmlDeviceGetMaxMigDeviceCount(struct device *device, unsigned *count) {
    *count = MOST_MIGS - 1;
    return begin(device, "nvmlDeviceGetMaxMigDeviceCount");
}

int nvmlDeviceGetMigDeviceHandleByIndex(struct device *device, unsigned index,
                                        struct device **found) {
    char said[256];
    int code = begin(device, "nvmlDeviceGetMigDeviceHandleByIndex");
    if (code != SUCCESS)
        return code;
    if (index >= MOST_MIGS)
        return INVALID;
    struct device *mig = &migs[device - gpus][index];
    snprintf(mig->where, sizeof mig->where, "%.7s.%u", device->where, index);
    *found = mig;
    return look_up(mig->where, "uuid", 0, said, sizeof said) ? SUCCESS : NOT_FOUND;
}

/* Processes: lines "INDEX process PID BYTES [PERCENT]"; "-" for bytes that are not known */

struct process {
    unsigned pid;
    unsigned long long bytes;
    unsigned gpu_instance, compute_instance;
};

static int list_processes(struct device *device, const char *function, const char *key,
                          unsigned *count, struct process *found) {
    char said[256], bytes[32];
    int code = begin(device, function);
    if (code != SUCCESS)
        return code;
    unsigned there = 0;
    while (look_up(device->where, key, (int)there, said, sizeof said)) {
        unsigned pid = 0;
        if (sscanf(said, "%u %31s", &pid, bytes) != 2)
            return INVALID;
        if (found != NULL && there < *count) {
            found[there].pid = pid;
            found[there].bytes = bytes[0] == '-' ? ~0ULL : strtoull(bytes, NULL, 10);
            found[there].gpu_instance = found[there].compute_instance = ~0U;
        }
        there++;
    }
    code = there > *count ? INSUFFICIENT_SIZE : SUCCESS;
    *count = there;
    return code;
}

int nvmlDeviceGetComputeRunningProcesses_v3(struct device *device, unsigned *count,
                                            struct process *found) {
    return list_processes(device, "nvmlDeviceGetComputeRunningProcesses_v3", "process", count,
                          found);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(struct device *device, unsigned *count,
                                             struct process *found) {
    return list_processes(device, "nvmlDeviceGetGraphicsRunningProcesses_v3", "graphics", count,
                          found);
}

struct sample {
    unsigned pid;
    unsigned long long time;
    unsigned sm, memory, encoder, decoder;
};

int nvmlDeviceGetProcessUtilization(struct device *device, struct sample *found, unsigned *count,
                                    unsigned long long since) {
    char said[256];
    int code = begin(device, "nvmlDeviceGetProcessUtilization");
    if (code != SUCCESS)
        return code;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    unsigned long long time = (unsigned long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    unsigned there = 0;
    for (int number = 0; look_up(device->where, "process", number, said, sizeof said); number++) {
        struct sample sample = {0, time, 0, 0, 0, 0};
        if (sscanf(said, "%u %*s %u", &sample.pid, &sample.sm) != 2 || time <= since)
            continue;
        if (found != NULL && there < *count)
            found[there] = sample;
        there++;
    }
    code = there > *count ? INSUFFICIENT_SIZE : there ? SUCCESS : NOT_FOUND;
    *count = there;
    return code;
}

/* Events */

struct event {
    struct device *device;
    unsigned long long type, data;
    unsigned gpu_instance, compute_instance;
};

int nvmlDeviceGetSupportedEventTypes(struct device *device, unsigned long long *types) {
    unsigned long long none = 0;
    int code = read_numbers(device, "nvmlDeviceGetSupportedEventTypes", "events", types, &none);
    return code;
}

int nvmlEventSetCreate(void **set) {
    unsigned bit = 1;
    while (sets & bit)
        bit <<= 1;
    sets |= bit;
    *set = (void *)(uintptr_t)bit;
    return begin(&driver, "nvmlEventSetCreate");
}

int nvmlEventSetFree(void *set) {
    sets &= ~(unsigned)(uintptr_t)set;
    for (struct device *each = gpus; each < gpus + MOST_GPUS; each++)
        each->sets &= ~(unsigned)(uintptr_t)set;
    return begin(&driver, "nvmlEventSetFree");
}

int nvmlDeviceRegisterEvents(struct device *device, unsigned long long types, void *set) {
    (void)types;
    int code = begin(device, "nvmlDeviceRegisterEvents");
    if (code == SUCCESS)
        device->sets |= (unsigned)(uintptr_t)set;
    return code;
}

int nvmlEventSetWait_v2(void *set, struct event *event, unsigned milliseconds) {
    char said[256];
    for (unsigned waited = 0; waited <= milliseconds; waited += 10) {
        int code = begin(&driver, "nvmlEventSetWait_v2");
        if (code != SUCCESS)
            return code;
        for (struct device *each = gpus; each < gpus + MOST_GPUS; each++) {
            if (each->sets & (unsigned)(uintptr_t)set &&
                (code = misbehave(each->where, "nvmlEventSetWait_v2")) != SUCCESS)
                return code;
        }
        long next = 0;
        for (struct device *each = gpus; each < gpus + MOST_GPUS; each++) {
            long serial = 0, xid = 0;
            for (int n = 0; (each->sets & (unsigned)(uintptr_t)set) &&
                            look_up(each->where, "event", n, said, sizeof said); n++) {
                if (sscanf(said, "%ld %ld", &serial, &xid) == 2 && serial > last_event &&
                    (next == 0 || serial < next)) {
                    next = serial;
                    *event = (struct event){each, 8, (unsigned long long)xid, ~0U, ~0U};
                }
            }
        }
        if (next != 0) {
            last_event = next;
            return SUCCESS;
        }
        usleep(10000);
    }
    return TIMEOUT;
}
