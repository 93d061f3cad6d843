using Profiles.Data;

namespace Profiles.Features.ShowUser;

static class ShowUserMapper
{
    public static ShowUserResponse ToResponse(
        User user, string? imageUrl, (IReadOnlyList<string> Identities, int Passkeys, bool HasSecondFactor) ways,
        IReadOnlyCollection<DateTime> sessions) => new(
        user.Id, user.Email, user.EmailVerifiedAt, user.PendingEmail, user.Profile.Name, user.Profile.Username, user.Profile.IsPublic,
        imageUrl, user.ExternalId, user.CreatedAt, user.Profile.UpdatedAt, user.DisabledAt, user.GuestSince,
        user.PasswordHash.Length > 0, ways.Identities, ways.Passkeys, ways.HasSecondFactor,
        sessions.Count, sessions.Count == 0 ? null : sessions.Max());
}
