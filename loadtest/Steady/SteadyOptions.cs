namespace Weir.LoadTest.Steady;

/// <summary>What a steady run is made of; <see cref="SteadyCommand"/> says what each means.</summary>
internal sealed record SteadyOptions(
    Uri Url,
    int Connections,
    int Rooms,
    int MembersPerRoom,
    double PublishRate,
    int PayloadBytes,
    int Slow,
    TimeSpan SlowFor,
    TimeSpan Hold,
    double OpenRate,
    TimeSpan Patience,
    bool ExpectDrain,
    TimeSpan DrainTimeout,
    int? ServerPid,
    double MaxP99Milliseconds,
    double MaxBytesPerConnection)
{
    /// <summary>What is wrong with it; null when nothing is.</summary>
    public string? Problem
    {
        get
        {
            int members = Connections - Rooms - (Slow > 0 ? Slow + 1 : 0);
            return Rooms < 1 || MembersPerRoom < 1 ? "There must be a room, with a member."
                : members < MembersPerRoom ? $"{members} connections are left for rooms of {MembersPerRoom} members."
                : PayloadBytes < RoomMessage.StampBytes ? $"A payload has {RoomMessage.StampBytes} bytes at least."
                : Slow > 0 && SlowFor >= Hold ? "The slow ones must read on before --hold is over."
                : null;
        }
    }
}
