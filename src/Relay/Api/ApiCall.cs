using System.Net;
using Microsoft.Extensions.Logging;
using Weir.Relay.Diagnostics;

namespace Weir.Relay.Api;

/// <summary>One call: who makes it, what that key permits, and the line about it if it changes something.</summary>
/// <param name="caller">The holder of the key.</param>
/// <param name="address">Its address; <c>null</c> if unknown.</param>
/// <param name="method">The name of the method.</param>
/// <param name="audit">The log of calls.</param>
internal sealed class ApiCall(ApiCaller caller, IPAddress? address, string method, ILogger audit)
{
    private Action<string>? _end;

    /// <exception cref="ApiException">The key lacks the right.</exception>
    public void Require(ApiRights right)
    {
        if (!caller.Has(right))
        {
            AuditLog.Denied(audit, caller.Name, address, method);
            throw new ApiException(ApiError.PermissionDenied);
        }
    }

    /// <summary>Returns whether the rights include a room.</summary>
    public bool Includes(string room) => caller.Includes(room);

    /// <exception cref="ApiException">The rights do not include the room.</exception>
    public void RequireRoom(string room)
    {
        if (!caller.Includes(room))
        {
            throw new ApiException(ApiError.PermissionDenied);
        }
    }

    /// <summary>The call publishes.</summary>
    public void Publishes(int rooms, string first)
    {
        if (audit.IsEnabled(LogLevel.Debug))
        {
            _end = outcome => AuditLog.Published(audit, caller.Name, address, method, rooms, AuditLog.Shown(first), outcome);
        }
    }

    /// <summary>The call removes a history.</summary>
    public void RemovesHistory(string room)
        => _end = outcome => AuditLog.HistoryRemoved(audit, caller.Name, address, AuditLog.Shown(room), outcome);

    /// <summary>The call disconnects.</summary>
    public void Disconnects(string user, string client, int code)
        => _end = outcome
            => AuditLog.Disconnected(audit, caller.Name, address, AuditLog.Shown(user), AuditLog.Shown(client), code, outcome);

    /// <summary>The call has ended, or was begun and failed.</summary>
    /// <param name="outcome">"done", or the error.</param>
    public void End(string outcome) => _end?.Invoke(outcome);
}
