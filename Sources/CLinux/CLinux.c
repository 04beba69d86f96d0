#define _GNU_SOURCE 1
#include "CLinux.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <malloc.h>
#if __has_include(<linux/close_range.h>)
#include <linux/close_range.h>
#endif
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int64_t loads_monotonic_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int loads_epoll_wait(int epfd, struct epoll_event *events, int count, int64_t timeout_nanoseconds) {
    if (timeout_nanoseconds <= 0) return epoll_wait(epfd, events, count, timeout_nanoseconds < 0 ? -1 : 0);
    struct timespec timeout = {timeout_nanoseconds / 1000000000, timeout_nanoseconds % 1000000000};
    int result = epoll_pwait2(epfd, events, count, &timeout, NULL);
    if (result >= 0 || errno != ENOSYS) return result;
    // Kernels before 5.11 and some sandboxes lack the call: round up to milliseconds, never down to a busy loop.
    int64_t milliseconds = (timeout_nanoseconds + 999999) / 1000000;
    return epoll_wait(epfd, events, count, milliseconds > INT_MAX ? INT_MAX : (int)milliseconds);
}

int loads_available_cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

void loads_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

const void *loads_memmem(const void *haystack, size_t haystack_count, const void *needle, size_t needle_count) {
    return memmem(haystack, haystack_count, needle, needle_count);
}

static __thread void *current_loop;

void *loads_current_loop(void) { return current_loop; }

void loads_set_current_loop(void *loop) { current_loop = loop; }

int loads_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

int loads_fcntl_int(int fd, int command, int value) { return fcntl(fd, command, value); }

int loads_memfd_create(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int loads_pidfd_open(int process) { return (int)syscall(SYS_pidfd_open, process, 0); }

void loads_die_with_parent(void) { prctl(PR_SET_PDEATHSIG, SIGKILL); }

int loads_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int loads_spawn_close_from(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

int loads_spawn_directory(posix_spawn_file_actions_t *actions, const char *path) {
    return posix_spawn_file_actions_addchdir_np(actions, path);
}

/// The child's side of `loads_spawn`. Other threads may have held any lock at the fork: only async-signal-safe calls here.
static int become(const char *path, char *const arguments[], char *const environment[], const char *directory,
                  const int *descriptors, int count, pid_t parent) {
    struct sigaction standard;
    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; number++) sigaction(number, &standard, NULL);
    if (setpgid(0, 0) != 0) return errno;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // A parent that ended before the line above sends nothing any more.
    if (getppid() != parent) return ESRCH;
    for (int index = 0; index < count; index++) {
        if (dup2(descriptors[index], index) < 0) return errno;
    }
    if (directory != NULL && chdir(directory) != 0) return errno;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(path, arguments, environment);
    return errno;
}

/// Has `exec` close every descriptor from `first` on.
static void close_on_exec_from(int first) {
#ifdef CLOSE_RANGE_CLOEXEC
    if (syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
#endif
    // Kernels before 5.11 and some sandboxes lack the call.
    struct rlimit limit;
    int end = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 1 << 20 ? (int)limit.rlim_cur : 1 << 20;
    for (int descriptor = first; descriptor < end; descriptor++) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

/// Open as long as this process lives: nothing is ever written, and only the kernel closes it.
static int lifeline[2] = {-1, -1};
static pthread_once_t lifeline_once = PTHREAD_ONCE_INIT;

static void make_lifeline(void) {
    if (pipe2(lifeline, O_CLOEXEC) != 0) lifeline[0] = lifeline[1] = -1;
}

/// The guard's side of `loads_guard_group`, with all signals blocked. Only async-signal-safe calls here, too.
static void stand_guard(pid_t group) {
    if (setpgid(0, group) != 0 || chdir("/") != 0) return;
    if (lifeline[0] == 0 ? fcntl(0, F_SETFD, 0) != 0 : dup2(lifeline[0], 0) < 0) return;
    close_on_exec_from(1);
    // A shell has no copy of the caller's memory.
    char *const arguments[] = {"loads-guard", "-c", "read -r end; kill -KILL 0", NULL};
    char *const environment[] = {NULL};
    execve("/bin/sh", arguments, environment);
    // Where there is none: the copy of the pipe's other end, and everything else, has to be closed.
    struct rlimit limit;
    int end = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 1 << 20 ? (int)limit.rlim_cur : 1 << 20;
    for (int descriptor = 1; descriptor < end; descriptor++) close(descriptor);
    char byte;
    while (read(0, &byte, 1) < 0 && errno == EINTR) continue;
    kill(0, SIGKILL);
}

int loads_guard_group(int group) {
    pthread_once(&lifeline_once, make_lifeline);
    if (lifeline[0] < 0) return -1;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t guard = fork();
    if (guard == 0) {
        stand_guard(group);
        _exit(127);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    // Here as well, so that it is a member by now, whoever came first.
    if (guard > 0) setpgid(guard, group);
    return guard;
}

int loads_spawn(const char *path, char *const arguments[], char *const environment[], const char *directory,
                const int *descriptors, int count, int *process) {
    // Closed by a successful exec; otherwise it carries the reason why there was none.
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return errno;
    // Out of the way of the child's numbers.
    int failure = fcntl(report[1], F_DUPFD_CLOEXEC, count);
    int code = failure < 0 ? errno : 0;
    close(report[1]);
    if (code != 0) {
        close(report[0]);
        return code;
    }
    // No handler of the parent's may run in the child.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        close_on_exec_from(count);
        code = become(path, arguments, environment, directory, descriptors, count, parent);
        ssize_t ignored = write(failure, &code, sizeof code);
        (void)ignored;
        _exit(127);
    }
    if (child < 0) code = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(failure);
    if (child > 0) {
        ssize_t taken;
        do taken = read(report[0], &code, sizeof code);
        while (taken < 0 && errno == EINTR);
        if (taken == sizeof code) {
            while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
        } else {
            code = 0;
            *process = child;
        }
    }
    close(report[0]);
    return code;
}

void loads_spawn_fresh(posix_spawnattr_t *attributes) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

ssize_t loads_copy_file(int from, int to, size_t count) {
    ssize_t done = copy_file_range(from, NULL, to, NULL, count, 0);
    if (done > 0 || (done < 0 && errno == EINTR)) return done;
    return sendfile(to, from, NULL, count);
}

const char *loads_c_library_version(void) { return gnu_get_libc_version(); }

static volatile int signal_pipe = -1;

static void pass_on(int number) {
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    // A full pipe holds enough signals already.
    ssize_t ignored = write(signal_pipe, &byte, 1);
    (void)ignored;
    errno = saved;
}

void loads_pass_signals(int fd) {
    signal_pipe = fd;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = pass_on;
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void loads_release_memory(void) { malloc_trim(0); }
