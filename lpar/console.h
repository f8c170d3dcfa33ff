// SPDX-License-Identifier: Apache-2.0
// The console of `openlpar boot`: standard input and output, each with a ring of its own and a thread that moves bytes.
//
// Flow control goes all the way: when the output ring is full the guest is told to try again, when the input ring is full nothing
// more is read from standard input.
#ifndef LPAR_CONSOLE_H
#define LPAR_CONSOLE_H

#include "base/types.h"

struct console;

enum console_key { CONSOLE_QUIT, CONSOLE_REGISTERS };

struct console_events {
    // Input is waiting in the ring. The console's input thread.
    void (*input)(void *arg);
    // There is room again for output. The console's output thread.
    void (*drained)(void *arg);
    // One of the escape's keys was typed. The console's input thread.
    void (*key)(void *arg, enum console_key key);
    void *arg;
};

// Starts the threads, and raw mode when standard input is a terminal. NULL: no memory or no threads.
struct console *console_start(const struct console_events *events);

// Writes out what the guest printed (giving up when nobody takes any for ten seconds), ends the threads, restores the terminal.
void console_stop(struct console *con);

// Waits until all that was printed is written out, so that what is said next on standard error stands behind it; gives up as console_stop() does.
void console_drain(struct console *con);

// Takes up to `size` bytes for the output; how many. Any thread.
size_t console_write(struct console *con, const u8 *data, size_t size);

// Gives up to `size` bytes of input; how many. Any thread.
size_t console_read(struct console *con, u8 *data, size_t size);

// The terminal as we found it, and raw again: around stopping (SIGTSTP), and before crashing. Restoring is async-signal-safe.
void console_restore_terminal(void);
void console_raw_terminal(void);

// Whether the terminal is raw: lines of ours then need a carriage return.
bool console_is_raw(void);

#endif
