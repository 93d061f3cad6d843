using FastEndpoints;
using Profiles.Data;

namespace Profiles.Features.UpdateMe;

sealed class UpdateMeMapper : Mapper<UpdateMeRequest, UpdateMeResponse, User>
{
    public override User UpdateEntity(UpdateMeRequest r, User e)
    {
        if (r.Name is not null)
            e.Profile.Name = r.Name.Trim();
        return e;
    }

    public override UpdateMeResponse FromEntity(User e) =>
        new("Profile updated successfully", e.Id, e.Profile.Name, e.Email, e.EmailVerifiedAt is not null, e.PendingEmail, e.Profile.Image?.Url, null);
}
