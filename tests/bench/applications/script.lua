-- SPDX-License-Identifier: Apache-2.0
-- Tables, closures, strings, floating point.
local function sieve(limit)
    local composite, count = {}, 0
    for i = 2, limit do
        if not composite[i] then
            count = count + 1
            for j = i * i, limit, i do composite[j] = true end
        end
    end
    return count
end
print(sieve(150000))

local Account = {}
Account.__index = Account
function Account.new(owner) return setmetatable({owner = owner, sum = 0}, Account) end
function Account:add(v) self.sum = self.sum + v; return self end
local accounts = {}
for i = 1, 60000 do
    local name = "owner" .. i % 997
    accounts[name] = (accounts[name] or Account.new(name)):add(i % 13)
end
local names = {}
for name, account in pairs(accounts) do names[#names + 1] = name .. "=" .. account.sum end
table.sort(names)
print(#names, names[1], names[500])

local words, n = {}, 0
for line in io.lines("text") do
    n = n + 1
    if n > 6000 then break end
    for word in line:gmatch("%a+") do words[word] = (words[word] or 0) + 1 end
end
local most = {}
for word, count in pairs(words) do most[#most + 1] = {word, count} end
table.sort(most, function(a, b) return a[2] > b[2] or a[2] == b[2] and a[1] < b[1] end)
for i = 1, 8 do print(most[i][1], most[i][2]) end

local x = 0.0
for i = 1, 400000 do x = x + (i % 7) * 0.5 / (1 + x * 1e-3) end
print(string.format("%.6g", x))
