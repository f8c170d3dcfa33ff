// SPDX-License-Identifier: Apache-2.0
// Whether this is a build of the address, memory or thread sanitizer, whose own memory is many times the program's. A program that shuts itself in
// says SANITIZED_SHUT_IN once: there it can neither look for leaks nor for the names of functions, for both take processes and files; what is found ends it.
#ifndef BASE_SANITIZED_H
#define BASE_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#if SANITIZED
#define SANITIZED_SHUT_IN                                                           \
    const char *__asan_default_options(void);                                       \
    const char *__asan_default_options(void)                                        \
    {                                                                               \
        return "detect_leaks=0:symbolize=0:allocator_release_to_os_interval_ms=-1"; \
    }                                                                               \
    const char *__ubsan_default_options(void);                                      \
    const char *__ubsan_default_options(void)                                       \
    {                                                                               \
        return "halt_on_error=1:symbolize=0";                                       \
    }
#else
#define SANITIZED_SHUT_IN
#endif

#endif
