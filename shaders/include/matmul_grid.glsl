// SPDX-License-Identifier: Apache-2.0
// Which part of c a workgroup of a GPU's matrix product computes. Include after a declaration of
// TILE_M, TILE_N and args (matmul_gpu.h).

// The corner of this workgroup's tile, its depths begin .. end - 1, and where its slice's sums go.
struct Tile {
    uint m, n, begin, end;
    uint64_t c;
};

// False past the last tile. Bands of 8 tile rows, column by column, so that neighbours share operands
// in the cache; slices of k one after another.
bool find_tile(out Tile tile)
{
    uint64_t number = lw_group_index();
    uint tiles = args.tiles_m * args.tiles_n;
    uint slice = uint(number / tiles), index = uint(number % tiles);
    uint band = index / (8 * args.tiles_n), rest = index % (8 * args.tiles_n);
    uint height = min(8, args.tiles_m - band * 8);
    tile.m = (band * 8 + rest % height) * TILE_M;
    tile.n = rest / height * TILE_N;
    tile.begin = slice * args.depth;
    tile.end = min(tile.begin + args.depth, args.k);
    tile.c = args.c + uint64_t(slice) * args.m * args.c_stride * OUT_BYTES;
    return tile.begin < args.k;
}
