using System.Text;
using Weir.Validation;

namespace Weir.Rooms;

/// <summary>The limits of a <see cref="RoomDirectory"/>.</summary>
public sealed class RoomOptions
{
    private int _maxRoomsPerConnection = 1000;
    private int _maxNameBytes = 255;

    /// <summary>The most rooms per connection; default 1,000. 0: no limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int MaxRoomsPerConnection
    {
        get => _maxRoomsPerConnection;
        set => _maxRoomsPerConnection = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>The longest name of a room, in bytes of UTF-8; default 255. 0: no limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int MaxNameBytes
    {
        get => _maxNameBytes;
        set => _maxNameBytes = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>Returns whether a room may have this name: not empty, and not too long.</summary>
    public bool Allows(string name)
        => !string.IsNullOrEmpty(name) && (MaxNameBytes == 0 || Encoding.UTF8.GetByteCount(name) <= MaxNameBytes);
}
