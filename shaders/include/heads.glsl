// SPDX-License-Identifier: Apache-2.0
// The head of kernels that treat each head of a token as a row: a team of LANES invocations owns
// some heads of some tokens. An invocation has EACH fours of a head's first half and the same ones
// of its second, which is what rotating needs; they stay in registers between the sum over the head
// and its use. On CPU drivers a team is the workgroup, so that all addresses but the four's are
// uniform. Include after rows.glsl and reduce.glsl.
layout(constant_id = 3) const uint LANES = 8;
layout(constant_id = 4) const uint HALF = 32; // head_dim / 2

const uint FOURS_A_HALF = (HALF + 3) / 4;
const uint EACH = (FOURS_A_HALF + LANES - 1) / LANES;

shared vec2 team_parts[256];

uint64_t team_index()
{
    uint teams = gl_WorkGroupSize.x / LANES;
    return ONE_SUBGROUP != 0 ? lw_group_index()
                             : lw_group_index() * teams + gl_LocalInvocationID.x / LANES;
}

uint team_lane()
{
    return ONE_SUBGROUP != 0 ? gl_LocalInvocationID.x : gl_LocalInvocationID.x % LANES;
}

// The sum over a team, in a fixed order. All invocations of the workgroup must take part.
vec2 team_add(vec2 value)
{
    if (ONE_SUBGROUP != 0) {
        return subgroupAdd(value);
    }
    barrier(); // the parts of an earlier sum have been read
    team_parts[gl_LocalInvocationID.x] = value;
    barrier();
    uint first = gl_LocalInvocationID.x / LANES * LANES;
    vec2 sum = vec2(0);
    for (uint i = 0; i < LANES; i++) {
        sum += team_parts[first + i];
    }
    return sum;
}

// Whether four `each` of this invocation is one of the half's, and its first column; that of
// another may be loaded and must not count.
bool is_owned(uint each)
{
    return FOURS_A_HALF % LANES == 0 || each * LANES + team_lane() < FOURS_A_HALF;
}

uint four_column(uint each)
{
    uint four = each * LANES + team_lane();
    return 4 * (FOURS_A_HALF % LANES == 0 ? four : min(four, FOURS_A_HALF - 1));
}

// The heads of a token go in parts of at most `heads_each`, those of the queries first; no part has
// heads of both.
struct Part {
    bool is_key;
    uint number;     // among the parts of its kind
    uint first, end; // heads
};

uint part_count(uint heads, uint heads_each)
{
    return (heads + heads_each - 1) / heads_each;
}

Part find_part(uint part, uint heads, uint kv_heads, uint heads_each)
{
    uint query_parts = part_count(heads, heads_each);
    bool is_key = part >= query_parts;
    uint number = is_key ? part - query_parts : part;
    uint first = (is_key ? heads : 0) + number * heads_each;
    return Part(is_key, number, first,
        min(first + heads_each, is_key ? heads + kv_heads : heads));
}

// How often a team goes over its part's heads: as often as any other team of the workgroup, because
// team_add must be met by all.
uint part_steps(Part part, uint heads_each)
{
    return ONE_SUBGROUP != 0 ? part.end - part.first : heads_each;
}
