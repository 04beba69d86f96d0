// Linux and GNU calls that the Glibc module does not show to Swift.
#ifndef LOADS_CLINUX_H
#define LOADS_CLINUX_H

#include <fcntl.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/types.h>

/// Nanoseconds of `CLOCK_MONOTONIC`.
int64_t loads_monotonic_nanoseconds(void);

/// `epoll_pwait2`: a time-out in nanoseconds, where `epoll_wait` only knows milliseconds. Negative waits without end.
int loads_epoll_wait(int epfd, struct epoll_event *events, int count, int64_t timeout_nanoseconds);

/// The cores in this process's affinity mask; `sched_getaffinity` is hidden behind `_GNU_SOURCE`.
int loads_available_cores(void);

/// Names the calling thread (15 bytes count); `pthread_setname_np` is hidden behind `_GNU_SOURCE`.
void loads_name_thread(const char *name);

/// `memmem` is hidden behind `_GNU_SOURCE`, which the Glibc module does not define.
const void *loads_memmem(const void *haystack, size_t haystack_count, const void *needle, size_t needle_count);

/// The event loop whose thread this is, or null. Swift has no thread-local variables; comparing thread identifiers
/// instead would take a later thread for that of a loop that has ended.
void *loads_current_loop(void);
void loads_set_current_loop(void *loop);

/// `accept4` that makes the new socket non-blocking and closes it on `exec`; hidden behind `_GNU_SOURCE`.
int loads_accept(int listener);

/// `fcntl` is variadic, which Swift cannot call: the form with an `int`.
int loads_fcntl_int(int fd, int command, int value);

/// `memfd_create`: an anonymous file, used as memory shared with a child process. Close-on-exec.
int loads_memfd_create(const char *name);

/// `pidfd_open`: a descriptor that becomes readable when a process ends. The C library has no function for it.
int loads_pidfd_open(int process);

/// `pipe2` with `O_CLOEXEC`.
int loads_pipe(int ends[2]);

/// GNU's `posix_spawn_file_actions_addclosefrom_np` and `…_addchdir_np`.
int loads_spawn_close_from(posix_spawn_file_actions_t *actions, int first);
int loads_spawn_directory(posix_spawn_file_actions_t *actions, const char *path);

/// Has a child begin in a process group of its own, with no signal blocked or ignored: what the parent's threads block
/// or ignore is not for it.
void loads_spawn_fresh(posix_spawnattr_t *attributes);

/// Starts a program that the kernel kills when the calling *thread* ends, whatever the program does: `posix_spawn` cannot
/// ask for that. Otherwise like a child with the attributes of `loads_spawn_fresh`.
///
/// `descriptors` become the child's 0, 1, 2 … `count - 1`, and it has no others; each must be at least `count`, so that
/// none overwrites another. A null `directory` is the parent's. Returns 0 and the child's number, or an error number.
int loads_spawn(const char *path, char *const arguments[], char *const environment[], const char *directory,
                const int *descriptors, int count, int *process);

/// Starts a small process in a child's process group that kills the whole group when this process is gone, however it went:
/// the kernel's signal of `loads_spawn` reaches the child alone. It is killed with the group; the caller reaps it.
///
/// Returns its number, or -1 when there is none.
int loads_guard_group(int group);

/// `copy_file_range` from and to the current offsets, or `sendfile` where the file systems cannot do it; hidden behind
/// `_GNU_SOURCE`.
ssize_t loads_copy_file(int from, int to, size_t count);

/// `malloc_trim`: gives the system what the allocator holds free, of all threads; the Glibc module does not have it.
void loads_release_memory(void);

/// The C library's version, such as `2.36`.
const char *loads_c_library_version(void);

/// Writes the number of each SIGINT and SIGTERM as one byte to a descriptor. A handler in C, since Swift code may
/// allocate or lock, which a signal handler must not; a handler and not a blocked signal, since children inherit that.
void loads_pass_signals(int fd);

/// Asks the kernel to kill this process when the thread that started it ends; `prctl` is variadic.
void loads_die_with_parent(void);

#endif
