using System.Security.Cryptography;
using System.Text;
using Weir.Relay.Brokers;

namespace Weir.Relay.Api;

/// <summary>The holder of a key.</summary>
/// <param name="Name">The name of the key.</param>
/// <param name="KeyHash">The SHA-256 of its value.</param>
/// <param name="Rights">What it permits.</param>
/// <param name="Rooms">For which rooms.</param>
internal sealed record ApiCaller(string Name, byte[] KeyHash, ApiRights Rights, IReadOnlyList<string> Rooms)
{
    /// <summary>Returns the holder of a key; <c>null</c> if it is none of theirs.</summary>
    // The hashes have one length and all are compared, so the time reveals neither how much of a key is right nor whose it is.
    public static ApiCaller? Find(IReadOnlyList<ApiCaller> callers, string key)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(key));
        ApiCaller? found = null;
        foreach (ApiCaller caller in callers)
        {
            if (CryptographicOperations.FixedTimeEquals(hash, caller.KeyHash))
            {
                found = caller;
            }
        }

        return found;
    }

    public bool Has(ApiRights right) => (Rights & right) == right;

    public bool Includes(string room) => Rooms.Any(pattern => RoomRules.Matches(pattern, room));
}
