// A file, line by line.
#pragma once

#include "decode.hpp"

#include <istream>
#include <string>

namespace webhooks {

// Keeps no more of a line than it takes to refuse it: a line without end costs time, but no memory.
inline bool next_line(std::istream& in, std::string& line) {
    line.clear();
    char c = 0;
    while (in.get(c) && c != '\n')
        if (line.size() <= longest_line) line += c;
    return in || !line.empty();  // the last line may lack its end
}

}  // namespace webhooks
