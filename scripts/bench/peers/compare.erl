%% What programs/channels.ts, programs/spawn.ts and programs/pool.ts do, between Erlang nodes, which are OS
%% processes of their own, connected over TCP. For each line of stdin, prints one number.

-module(compare).
-export([main/1, answer/0, echo/0, take/2, add/2]).

main([RoundTrips, Arrays, ArrayBytes, One, Many, UnderWay]) ->
    Counts = #{
        round_trips => list_to_integer(RoundTrips),
        arrays => list_to_integer(Arrays),
        array_bytes => list_to_integer(ArrayBytes),
        one => list_to_integer(One),
        many => list_to_integer(Many),
        under_way => list_to_integer(UnderWay)
    },
    {_, First} = start_node(),
    {_, Second} = start_node(),
    loop(Counts, First, Second).

loop(Counts, First, Second) ->
    case io:get_line("") of
        eof ->
            init:stop();
        Line ->
            What = list_to_atom(string:trim(Line)),
            io:format("~f~n", [measure(What, Counts, First, Second)]),
            loop(Counts, First, Second)
    end.

%% Another node, which ends with this one.
start_node() ->
    {ok, Peer, Node} = peer:start_link(#{
        name => peer:random_name(),
        host => "127.0.0.1",
        longnames => true,
        args => ["-setcookie", atom_to_list(erlang:get_cookie()), "-pa", filename:dirname(code:which(?MODULE))]
    }),
    {Peer, Node}.

%% From the start of a node to the first answer of a process on it, in ms.
measure(firstAnswer, _, _, _) ->
    Start = now_us(),
    {Peer, Node} = start_node(),
    answer = erpc:call(Node, ?MODULE, answer, []),
    Time = now_us() - Start,
    peer:stop(Peer),
    Time / 1000;
%% The same for a process on a node that is there: they are no OS processes. In ms.
measure(lightAnswer, _, _, _) ->
    Self = self(),
    {Time, _} = timed(fun() -> times(1000, fun(_) ->
        spawn(fun() -> Self ! answer end),
        receive answer -> ok end
    end) end),
    Time / 1000 / 1000;
%% 16 bytes there and back; the median, in us.
measure(roundTrips, #{round_trips := Count}, Node, _) ->
    Echo = spawn_link(Node, ?MODULE, echo, []),
    Value = <<"0123456789abcdef">>,
    Times = [element(1, timed(fun() ->
        Echo ! {self(), Value},
        receive Value -> ok end
    end)) || _ <- lists:seq(1, Count)],
    unlink(Echo),
    exit(Echo, kill),
    lists:nth(Count div 2, lists:sort(Times));
%% Binaries one way, in MB/s.
measure(arrays, #{arrays := Count, array_bytes := Bytes}, Node, _) ->
    Taker = spawn_link(Node, ?MODULE, take, [self(), Count]),
    Value = binary:copy(<<7>>, Bytes),
    {Time, _} = timed(fun() ->
        times(Count, fun(_) -> Taker ! Value end),
        receive {taken, Taker} -> ok end
    end),
    Count * Bytes / Time;
%% Calls one after the other, in thousands a second.
measure(one, #{one := Count}, Node, _) ->
    {Time, _} = timed(fun() -> times(Count, fun(A) -> call(Node, A) end) end),
    Count / Time * 1000;
%% Calls of many processes at once, on two nodes, in thousands a second.
measure(many, #{many := Count, under_way := UnderWay}, First, Second) ->
    Self = self(),
    Each = Count div UnderWay,
    {Time, _} = timed(fun() ->
        [spawn_link(fun() ->
            Node = case Lane rem 2 of 0 -> First; 1 -> Second end,
            times(Each, fun(A) -> call(Node, A) end),
            Self ! {done, Lane}
        end) || Lane <- lists:seq(1, UnderWay)],
        [receive {done, Lane} -> ok end || Lane <- lists:seq(1, UnderWay)]
    end),
    Each * UnderWay / Time * 1000.

call(Node, A) ->
    Sum = erpc:call(Node, ?MODULE, add, [A, 1]),
    Sum = A + 1.

answer() -> answer.

add(A, B) -> A + B.

echo() ->
    receive {From, Value} -> From ! Value end,
    echo().

take(To, 0) -> To ! {taken, self()};
take(To, Count) ->
    receive Value when is_binary(Value) -> take(To, Count - 1) end.

times(0, _) -> ok;
times(Count, Do) ->
    Do(Count),
    times(Count - 1, Do).

timed(Do) ->
    Start = now_us(),
    Result = Do(),
    {now_us() - Start, Result}.

now_us() -> erlang:monotonic_time(nanosecond) / 1000.
