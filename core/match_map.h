/* core/match_map.h: the best box of each cell (grid.h) that some box has visited
 *
 * Memory is handed out in tiles of 64 cells as they are first touched, and used again for the next view: what
 * a view needs of it fits a core's own cache, however many anchors there are.
 */
#ifndef ANC_CORE_MATCH_MAP_H
#define ANC_CORE_MATCH_MAP_H

#include "core/iou.h"
#include <stdint.h>

enum { ANC_TILE = 64 + 8 }; /* cells of a tile's row, with space for a vector to reach over its end */

typedef struct {
    int32_t *tile_of;   /* [n_words] of cells [64 w, 64 w + 64): 1 + their tile, 0 when there is none */
    uint16_t *plane_of; /* [n_words] index in the grid's cells[] of the plane that they are of */
    int32_t n_words;
    int32_t planned;                   /* cells of the grid that plane_of was made for */
    int32_t n, capacity;               /* tiles in use, and that there is memory for */
    int32_t *word;                     /* [n] which 64 cells a tile stands for */
    uint64_t *touched;                 /* [n] its cells that hold something */
    uint64_t *non_negative, *positive; /* [n] after thresholding: its cells that are so */
    int32_t (*arg)[ANC_TILE];          /* index of the best box; the sign bit marks a low-quality match */
    float (*best_f32)[ANC_TILE];  /* its IoU; ANC_CLEAN where there is none, ANC_EXCLUDED where none may be */
    double (*best_f64)[ANC_TILE]; /* the same, for IoU in double */
} anc_map;

/* The tile of a cell, -1 when no box has visited it. */
static inline int32_t anc_map_tile(const anc_map *m, int32_t cell) { return m->tile_of[cell >> 6] - 1; }

/* Where a visited cell keeps the index of its best box. */
static inline int32_t *anc_map_arg(const anc_map *m, int32_t cell)
{
    return &m->arg[anc_map_tile(m, cell)][cell & 63];
}

/* Bits [from, from + n) of a word, 0 < n, from + n <= 64. */
static inline uint64_t anc_bits(int from, int n) { return ~0ULL >> (64 - n) << from; }

#endif
