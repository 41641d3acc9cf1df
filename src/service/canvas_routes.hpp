// The HTTP interface of docs/api.md as a route table.
#pragma once

#include <vector>

#include "service/pixel_battle.hpp"
#include "service/router.hpp"
#include "service/snapshots.hpp"

namespace service {

/// All arguments outlive the table.
std::vector<Route> canvas_routes(PixelBattle& game, Snapshots& snapshots);

}  // namespace service
