/* Put before the C library of an exporter (LD_PRELOAD), it shows it another machine.
 *
 * FAKE_HOST names a folder. A file under /proc is the one of the same path in there, where there
 * is one; where that is called "PATH.absent" instead, there is none. A file "statvfs" in it says
 * how filesystems answer, in lines
 *
 *     PATH space SIZE FREE AVAILABLE | error ERRNO | hang
 *
 * in blocks of 4096 bytes; the file is read again at each question, and while its line says hang
 * the question is not answered. What has no line is answered by the real system.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { LENGTH = 1024 };

/* Write the path to open instead; 0 where there is no such file. */
static int redirect(const char *path, char *instead) {
    const char *folder = getenv("FAKE_HOST");
    char absent[LENGTH + 16];
    if (!folder || strncmp(path, "/proc/", 6) != 0) {
        snprintf(instead, LENGTH, "%s", path);
        return 1;
    }
    snprintf(instead, LENGTH, "%s%s", folder, path);
    snprintf(absent, sizeof absent, "%s.absent", instead);
    if (access(absent, F_OK) == 0) {
        errno = ENOENT;
        return 0;
    }
    if (access(instead, F_OK) != 0) snprintf(instead, LENGTH, "%s", path);
    return 1;
}

static int open_by(const char *name, const char *path, int flags, mode_t mode) {
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
    char instead[LENGTH];
    if (strlen(path) >= LENGTH / 2) return real(path, flags, mode);
    return redirect(path, instead) ? real(instead, flags, mode) : -1;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_by("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_by("open64", path, flags, mode);
}

/* Find what is said of a path; 0 where nothing is. */
static int look_up(const char *path, char *said) {
    char name[LENGTH], line[LENGTH];
    size_t length = strlen(path);
    snprintf(name, sizeof name, "%s/statvfs", getenv("FAKE_HOST"));
    FILE *file = fopen(name, "r");
    if (!file) return 0;
    int found = 0;
    while (!found && fgets(line, sizeof line, file)) {
        found = strncmp(line, path, length) == 0 && line[length] == ' ';
        if (found) strcpy(said, line + length + 1);
    }
    fclose(file);
    return found;
}

static int answer(const char *path, struct statvfs *into) {
    char said[LENGTH];
    unsigned long size, spare, available;
    const struct timespec pause = {0, 10 * 1000 * 1000};
    for (;;) {
        if (!getenv("FAKE_HOST") || !look_up(path, said)) {
            int (*real)(const char *, struct statvfs *) =
                (int (*)(const char *, struct statvfs *))dlsym(RTLD_NEXT, "statvfs");
            return real(path, into);
        }
        if (strncmp(said, "hang", 4) != 0) break;
        nanosleep(&pause, NULL);
    }
    if (sscanf(said, "space %lu %lu %lu", &size, &spare, &available) == 3) {
        memset(into, 0, sizeof *into);
        into->f_bsize = into->f_frsize = 4096;
        into->f_blocks = size;
        into->f_bfree = spare;
        into->f_bavail = available;
        return 0;
    }
    errno = atoi(said + strlen("error "));
    return -1;
}

int statvfs(const char *path, struct statvfs *into) { return answer(path, into); }

/* On 64 bits it is the same structure. */
int statvfs64(const char *path, struct statvfs64 *into) {
    _Static_assert(sizeof(struct statvfs) == sizeof(struct statvfs64), "of 64 bits");
    return answer(path, (struct statvfs *)into);
}
