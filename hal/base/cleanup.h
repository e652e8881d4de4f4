/*
 * The one macro that closes things when their scope ends:
 *
 *     struct buf body CLEANUP(buf_free);
 *
 * The function named takes a pointer to the variable.
 */
#ifndef HAL_BASE_CLEANUP_H
#define HAL_BASE_CLEANUP_H

#define CLEANUP(function) __attribute__((cleanup(function)))

#endif
